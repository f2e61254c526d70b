-- The changes of datasets that took effect, in order; several may make up one version.
CREATE OR REPLACE VIEW dataset_changes AS
SELECT
    subject AS dataset_id,
    number,
    argMin(owner, (c.claimed_at, owner)) AS change_id,
    argMin(c.version, (c.claimed_at, owner)) AS version,
    min(c.claimed_at) AS changed_at
FROM claims_data AS c
WHERE c.kind = 'dataset_change'
GROUP BY subject, number
