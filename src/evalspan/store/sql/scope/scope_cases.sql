span_type = 'CASE' AND experiment_id IN (SELECT experiment_id FROM experiments_data)
