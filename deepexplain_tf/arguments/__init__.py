"""What users pass, read and checked before any work: arrays, baselines, targets, features, options.

Imports the errors alone; every folder but `graph` and `rules` may import it.
"""
