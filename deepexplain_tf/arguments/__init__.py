"""The arguments that users pass, read and checked before any work: arrays, baselines, targets, features, options.

Imports only `errors`; every folder but `graph` and `rules` may import it.
"""
