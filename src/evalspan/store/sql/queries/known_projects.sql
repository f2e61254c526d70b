-- Which of these ids were ever given to a project, deleted ones included.
SELECT DISTINCT project_id FROM projects_data WHERE project_id IN {ids:Array(String)}
