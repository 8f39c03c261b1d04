"""The explained function: a model cut at the explained tensors, and its values and gradients inside a graph.

Imports `graph`, `rules` and `arguments`; `paths`, `masking`, `methods` and the layers above them may import it.
"""
