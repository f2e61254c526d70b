-- Traces that hold cases as parts of something larger, so that a span is not of a case because it is of
-- its trace. They are marked, and few.
CREATE OR REPLACE VIEW shared_traces AS
SELECT id AS trace_id FROM documents_data WHERE kind = 'cases_by_start' AND id != ''
