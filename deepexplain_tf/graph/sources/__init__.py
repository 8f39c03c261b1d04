"""Model sources: every kind of model (object, file, folder or graph) made callable in the same way."""
