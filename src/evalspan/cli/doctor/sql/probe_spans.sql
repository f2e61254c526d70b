SELECT toUInt32(count()) AS n FROM spans WHERE trace_id = {trace_id:String}
