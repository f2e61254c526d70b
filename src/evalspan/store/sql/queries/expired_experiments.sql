-- Experiments of which nothing came in for longer than they are to be kept. An experiment says so
-- itself in its metadata, else its project has a rule, else all have one. What is no whole number in
-- the metadata keeps it.
WITH
indexOf({projects:Array(String)}, x.project) AS rule,
multiIf(
    x.own != '', ifNull(toInt64OrNull(x.own), 0),
    rule > 0, {project_days:Array(Int64)}[rule],
    {days:Int64}
) AS kept_days
SELECT
    x.experiment_id AS experiment_id,
    x.project AS project,
    x.experiment AS experiment,
    x.last_received AS last_received,
    kept_days
FROM
(
    SELECT
        s.experiment_id AS experiment_id,
        max(s.project_name) AS project,
        max(s.experiment_title) AS experiment,
        max(s.own_days) AS own,
        max(s.last) AS last_received,
        sum(s.held) AS held_rows
    FROM
    (
        SELECT
            experiment_id, project AS project_name, experiment AS experiment_title,
            metadata_map[{key:String}] AS own_days, updated_at AS last, toUInt64(NOT deleted) AS held
        FROM experiments_data FINAL
        UNION ALL
        SELECT experiment_id, '', '', '', max(received_at), count()
        FROM spans_data WHERE experiment_id != '' GROUP BY experiment_id
        UNION ALL
        SELECT experiment_id, '', '', '', max(received_at), count()
        FROM evaluations_data WHERE experiment_id != '' GROUP BY experiment_id
    ) AS s
    GROUP BY s.experiment_id
) AS x
WHERE x.held_rows > 0 AND kept_days > 0 AND x.last_received < {now:DateTime64(6, 'UTC')} - toIntervalDay(kept_days)
ORDER BY x.last_received, x.experiment_id
