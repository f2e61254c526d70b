CREATE OR REPLACE VIEW datasets AS
SELECT
    d.dataset_id AS dataset_id,
    d.name AS name,
    d.project_id AS project_id,
    p.name AS project,
    d.description AS description,
    d.metadata AS metadata,
    d.current_version AS current_version,
    d.created_at AS created_at,
    d.updated_at AS updated_at
FROM (SELECT * FROM datasets_data FINAL WHERE NOT deleted) AS d
LEFT ANY JOIN (SELECT project_id, name FROM projects_data FINAL) AS p ON p.project_id = d.project_id
