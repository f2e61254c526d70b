-- Who holds each place that was claimed.
SELECT kind, subject, number, argMin(owner, (claimed_at, owner)) AS holder
FROM claims_data
GROUP BY kind, subject, number
