experiment_id = '' AND project = ''
