resource_attributes['evalspan.project.name'] = {project}
