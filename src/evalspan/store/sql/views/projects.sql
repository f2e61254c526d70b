CREATE OR REPLACE VIEW projects AS
SELECT
    project_id,
    name,
    description,
    created_at,
    updated_at
FROM projects_data FINAL
WHERE NOT deleted
