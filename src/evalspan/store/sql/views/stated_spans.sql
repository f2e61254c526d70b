-- Spans that state their experiment, with the iteration of cases that leave theirs to us.
CREATE OR REPLACE VIEW stated_spans AS
SELECT * FROM spans_data FINAL
WHERE experiment_id != '' AND NOT (span_type = 'CASE' AND run_iteration = 0)
UNION ALL
SELECT s.* REPLACE (n.run_iteration AS run_iteration)
FROM
(
    SELECT * FROM spans_data FINAL
    WHERE span_type = 'CASE' AND run_iteration = 0
      AND experiment_id IN (SELECT parent FROM documents_data WHERE kind = 'cases_by_start')
) AS s
INNER JOIN case_numbers AS n
    ON n.experiment_id = s.experiment_id AND n.trace_id = s.trace_id AND n.span_id = s.span_id
