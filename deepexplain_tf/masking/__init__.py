"""The explained function at inputs that are partly replaced by the baseline.

Imports `objective` and the layers below it; `methods` may import it.
"""
