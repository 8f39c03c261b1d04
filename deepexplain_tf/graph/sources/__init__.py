"""Whatever counts as a model, made into something that can be called: objects, files, folders and graphs."""
