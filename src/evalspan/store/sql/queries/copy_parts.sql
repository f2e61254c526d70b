-- The parts in which a table is copied, and what tells two copies of one apart.
SELECT
    /* scope */ AS scope,
    /* day */ AS day,
    count() AS total_rows,
    sum(byteSize(/* columns */)) AS total_bytes,
    sum(sipHash64(formatRow('RowBinary', /* columns */))) AS checksum
FROM /* rows */
GROUP BY scope, day
ORDER BY scope, day
