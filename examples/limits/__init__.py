"""Small functions that show the strengths and the limits of attribution methods, for `reproduce_limits.py`."""
