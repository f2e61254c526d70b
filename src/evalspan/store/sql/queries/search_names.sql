-- What an experiment has that a search may name. From the cases, which are fewer joins than the
-- results.
SELECT *
FROM
(
    SELECT
        groupUniqArrayIf(toString(name), isNotNull(score_value)) AS scores,
        groupUniqArrayIf(toString(name), isNotNull(label_value)) AS labels,
        groupUniqArray(toString(name)) AS evaluators
    FROM evaluations
    WHERE experiment_id = {experiment_id:String} AND source = 'record'
) AS v
CROSS JOIN
(
    SELECT
        groupUniqArrayArray(mapKeys(metadata)) AS metadata,
        groupUniqArrayArray(mapKeys(experiment_metadata)) AS case_metadata,
        groupUniqArrayArray(arrayMap(t -> splitByChar(':', t)[1], arrayFilter(t -> position(t, ':') > 0, tags))) AS tags
    FROM cases
    WHERE experiment_id = {experiment_id:String}
) AS c
CROSS JOIN
(
    SELECT groupUniqArrayArray(mapKeys(metadata_map)) AS experiment_metadata
    FROM experiments
    WHERE experiment_id = {experiment_id:String}
) AS e
