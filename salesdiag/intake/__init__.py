"""Reading the outside world: files, workbooks, databases, mappings. Nothing else reads it."""
