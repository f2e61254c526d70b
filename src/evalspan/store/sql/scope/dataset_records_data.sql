dataset_id IN (SELECT dataset_id FROM datasets_data FINAL)
