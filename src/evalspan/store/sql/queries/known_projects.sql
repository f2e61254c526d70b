-- Which of these ids were ever given to a project, and what became of it.
SELECT project_id, name, deleted FROM projects_data FINAL WHERE project_id IN {ids:Array(String)}
