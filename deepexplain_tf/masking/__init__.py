"""The explained function where a part of the input is replaced by the baseline.

Imports `objective` and what lies below it; `methods` may import it.
"""
