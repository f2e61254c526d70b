-- Which project each of these experiments belongs to, '' for none; deleted ones included.
SELECT e.experiment_id AS experiment_id, if(e.project_id = '', e.project, p.name) AS project
FROM (SELECT experiment_id, project_id, project FROM experiments_data FINAL WHERE experiment_id IN {ids:Array(String)}) AS e
LEFT ANY JOIN (SELECT project_id, name FROM projects_data FINAL) AS p ON p.project_id = e.project_id
