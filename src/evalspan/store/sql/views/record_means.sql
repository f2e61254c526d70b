-- One row per (experiment, evaluator, record) over its runs: the mean of the scores, the mode of
-- the labels (a tie goes to the label that sorts first), the sample standard deviation. A run
-- that failed or was never scored is not a zero: it is missing from n.
-- For summary scores, which have no record, each run iteration stands for itself.
CREATE OR REPLACE VIEW record_means AS
WITH groupArrayIf(assumeNotNull(label), isNotNull(label)) AS given_labels
SELECT
    experiment_id,
    source,
    name,
    if(source = 'record', record_id, toString(run_iteration)) AS record_id,
    argMaxIf(type, run_iteration, failure = '') AS type, -- a failure has no type of its own
    count(score) AS n_scores,
    length(given_labels) AS n_labels,
    countIf(failure = '' AND isNull(score) AND isNull(label)) AS n_others, -- JSON, which has no mean or mode
    countIf(failure != '') AS n_errors,
    avg(score) AS mean,
    if(n_scores > 1, stddevSamp(score), NULL) AS spread,
    if(
        empty(given_labels), NULL,
        arraySort(t -> (-t.1, t.2), arrayMap(l -> (toInt64(countEqual(given_labels, l)), l), arrayDistinct(given_labels)))[1].2
    ) AS mode
FROM latest_scores
GROUP BY experiment_id, source, name, record_id
