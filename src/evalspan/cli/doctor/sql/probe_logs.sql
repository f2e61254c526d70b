SELECT toUInt32(count()) AS n FROM logs WHERE trace_id = {trace_id:String}
