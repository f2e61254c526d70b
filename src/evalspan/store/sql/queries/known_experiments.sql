-- Which of these experiments have a row, whoever wrote it.
SELECT DISTINCT experiment_id FROM experiments_data WHERE experiment_id IN {ids:Array(String)}
