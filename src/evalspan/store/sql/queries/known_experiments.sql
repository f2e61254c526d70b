-- Which of these experiments have a row, whoever wrote it, and whether one of its rows has a name.
SELECT experiment_id, max(experiment != '') AS named
FROM experiments_data
WHERE experiment_id IN {ids:Array(String)}
GROUP BY experiment_id
