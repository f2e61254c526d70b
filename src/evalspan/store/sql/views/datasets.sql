CREATE OR REPLACE VIEW datasets AS
SELECT
    d.dataset_id AS dataset_id,
    d.name AS name,
    d.project_id AS project_id,
    p.name AS project,
    d.description AS description,
    d.metadata AS metadata,
    greatest(d.current_version, c.version) AS current_version,
    d.created_at AS created_at,
    greatest(d.updated_at, c.changed_at) AS updated_at
FROM (SELECT * FROM datasets_data FINAL WHERE NOT deleted) AS d
LEFT ANY JOIN (SELECT project_id, name FROM projects_data FINAL) AS p ON p.project_id = d.project_id
LEFT ANY JOIN
(
    SELECT dataset_id, max(version) AS version, max(changed_at) AS changed_at
    FROM dataset_changes
    GROUP BY dataset_id
) AS c ON c.dataset_id = d.dataset_id
