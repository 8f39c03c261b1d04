"""What runs a method: programs compiled once, calls checked and fed in batches, results made into explanations.

Imports `methods` and what lies below them; `export`, `comparison` and `explain.py` may import it.
"""
