(kind = 'dataset_change' AND subject IN (SELECT dataset_id FROM datasets_data FINAL))
OR (kind IN ('experiment_name', 'dataset_name', 'prompt_slug', 'evaluator_slug') AND JSONExtractString(subject, 1) IN (SELECT project_id FROM projects_data FINAL))
OR (kind IN ('prompt_version', 'evaluator_version', 'opik_prompt_version')
    AND subject IN (SELECT id FROM documents_data FINAL WHERE kind IN ('prompt', 'evaluator', 'opik_prompt')))
