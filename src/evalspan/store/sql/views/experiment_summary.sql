-- One row per (experiment, evaluator): the mean of the record means, or the mode of the record
-- modes (a tie goes to the label that sorts first). Every record weighs the same, however many of
-- its runs were scored. Summary evaluators are rows with source 'summary', over the iterations.
CREATE OR REPLACE VIEW experiment_summary AS
WITH groupArrayIf(assumeNotNull(m.mode), isNotNull(m.mode)) AS modes
SELECT
    m.experiment_id AS experiment_id,
    e.experiment AS experiment,
    e.experiment_name AS experiment_name,
    m.name AS evaluator,
    m.source AS source,
    argMaxIf(m.type, m.record_id, m.type != '') AS type,
    countIf(m.n_scores + m.n_labels + m.n_others > 0) AS n_records,
    sum(m.n_scores + m.n_labels + m.n_others) AS n_scores,
    sum(m.n_errors) AS n_errors,
    avg(m.mean) AS mean,
    if(count(m.mean) > 1, stddevSamp(m.mean), NULL) AS spread,
    avg(m.spread) AS mean_spread_within_records,
    min(m.mean) AS min,
    max(m.mean) AS max,
    if(
        empty(modes), NULL,
        arraySort(t -> (-t.1, t.2), arrayMap(l -> (toInt64(countEqual(modes, l)), l), arrayDistinct(modes)))[1].2
    ) AS mode,
    arrayMap(l -> (l, countEqual(modes, l)), arraySort(arrayDistinct(modes)))::Map(String, UInt64) AS mode_counts
FROM record_means AS m
INNER JOIN experiments AS e ON e.experiment_id = m.experiment_id
GROUP BY m.experiment_id, e.experiment, e.experiment_name, m.source, m.name
