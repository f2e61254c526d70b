-- The cases with what their experiment is called now. A case of a deleted experiment has none, and goes.
CREATE OR REPLACE VIEW named_cases AS
SELECT
    c.* EXCEPT (experiment, project, experiment_metadata),
    e.experiment AS experiment,
    e.experiment_name AS experiment_name,
    e.project AS project,
    mapUpdate(c.experiment_metadata, e.metadata_map) AS experiment_metadata,
    if(c.trace_id IN (SELECT trace_id FROM shared_traces), (c.record_id, c.run_iteration), ('', 0)) AS part
FROM cases AS c
INNER JOIN experiments AS e ON e.experiment_id = c.experiment_id
