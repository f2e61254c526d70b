-- How many tokens did each model use? Wrapper spans and repeated responses count once.
WITH calls AS (
    SELECT trace_id, span_id, parent_span_id, request_model, response_model, response_id, input_tokens, output_tokens
    FROM spans
    WHERE experiment_id IN (
    SELECT experiment_id FROM experiments WHERE {experiment:String} IN (experiment, experiment_name, experiment_id)
)
        AND span_type = 'LLM'
)
SELECT
    if(response_model = '', request_model, response_model) AS model,
    count() AS calls,
    sum(input_tokens) AS known_input_tokens,
    sum(output_tokens) AS known_output_tokens,
    countIf(input_tokens IS NULL OR output_tokens IS NULL) AS calls_with_unknown_usage
FROM
(
    SELECT *
    FROM calls
    WHERE (trace_id, span_id) NOT IN (SELECT trace_id, parent_span_id FROM calls)
    ORDER BY input_tokens IS NULL, span_id
    LIMIT 1 BY trace_id, if(response_id = '', span_id, response_id)
)
GROUP BY model
ORDER BY known_input_tokens DESC, model
