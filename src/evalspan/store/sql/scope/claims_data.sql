(kind = 'dataset_change' AND subject IN (SELECT dataset_id FROM datasets_data FINAL))
OR (kind IN ('experiment_name', 'dataset_name') AND JSONExtractString(subject, 1) IN (SELECT project_id FROM projects_data FINAL))
