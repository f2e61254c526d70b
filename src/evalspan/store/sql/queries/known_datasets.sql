-- Which of these ids were ever given to a dataset, deleted ones included.
SELECT DISTINCT dataset_id FROM datasets_data WHERE dataset_id IN {ids:Array(String)}
