-- By the id of the project; spans alone know only its name.
project_id IN (SELECT project_id FROM projects_data FINAL) OR (project_id = '' AND project = {project})
