"""The arguments that users pass, read and checked before any work: arrays, pictures, baselines, targets, options, ….

Imports only `errors`; every folder but `graph` and `rules` may import it.
"""
