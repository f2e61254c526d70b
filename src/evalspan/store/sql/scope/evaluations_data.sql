-- As spans_data.
experiment_id IN (SELECT experiment_id FROM experiments_data)
OR (experiment_id = '' AND project = {project})
OR (experiment_id = '' AND project = '' AND trace_id IN (
    SELECT trace_id FROM spans_data AS scope_cases
    WHERE trace_id IN (SELECT trace_id FROM evaluations_data AS scope_nobodys_scores)
))
