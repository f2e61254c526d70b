-- Which rows one slice of a part has, and how late each is.
SELECT
    sipHash64(/* key */) AS row_key,
    /* version */ AS row_version,
    sipHash64(formatRow('RowBinary', /* columns */)) AS content
FROM /* rows */
WHERE /* scope */ = {scope:String}
  AND /* day */ = {day:String}
  AND sipHash64(/* key */) % {slices:UInt64} = {slice:UInt64}
