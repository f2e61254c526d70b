CREATE OR REPLACE VIEW record_scores AS
SELECT
    experiment_id,
    record_id,
    run_iteration,
    mapFilter((k, v) -> isNotNull(v), mapFromArrays(groupArray(name), groupArray(tuple(score)).1)) AS scores,
    mapFilter((k, v) -> isNotNull(v), mapFromArrays(groupArray(name), groupArray(tuple(label)).1)) AS labels,
    mapFromArrays(groupArrayIf(name, failure != ''), groupArrayIf(failure, failure != '')) AS evaluator_errors
FROM latest_scores
WHERE source = 'record'
GROUP BY experiment_id, record_id, run_iteration
