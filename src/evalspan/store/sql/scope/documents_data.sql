project_id IN (SELECT project_id FROM projects_data FINAL)
