-- Which of these ids were ever given to a dataset, and what became of it.
SELECT dataset_id, name, deleted FROM datasets_data FINAL WHERE dataset_id IN {ids:Array(String)}
