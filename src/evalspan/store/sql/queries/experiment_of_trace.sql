SELECT experiment_id FROM cases WHERE trace_id = {trace_id:String} LIMIT 1
