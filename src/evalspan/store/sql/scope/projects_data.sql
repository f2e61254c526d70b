-- The project of that name. Deleted ones of that name too: an id that was given is not given again.
name = {project}
