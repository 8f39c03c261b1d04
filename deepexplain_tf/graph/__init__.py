"""TensorFlow programs as graphs of records: traced, read, rewritten and emitted again; no attribution here."""
