SELECT count() > 0 AS in_use
FROM experiments_data FINAL
WHERE NOT deleted AND dataset_id = {dataset_id:String} AND dataset_version = {version:Int64}
