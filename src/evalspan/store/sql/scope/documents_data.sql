project_id IN (SELECT project_id FROM projects_data FINAL)
OR (kind = 'cases_by_start' AND parent IN (SELECT experiment_id FROM experiments_data))
