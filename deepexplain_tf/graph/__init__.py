"""TensorFlow programs as graphs of records, which are traced, read, rewritten and emitted again; no attribution."""
