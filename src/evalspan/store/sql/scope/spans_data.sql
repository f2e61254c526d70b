-- What the project's experiments and keys sent, and spans of other services in the traces of its cases.
-- A filter that named its own table would hold within itself without end; under the names of the two
-- filters scope_cases and scope_nobodys the table has theirs instead.
experiment_id IN (SELECT experiment_id FROM experiments_data)
OR (experiment_id = '' AND project = {project})
OR (experiment_id = '' AND project = '' AND trace_id IN (
    SELECT trace_id FROM spans_data AS scope_cases
    WHERE trace_id IN (SELECT trace_id FROM spans_data AS scope_nobodys)
))
