"""The explained function: a traced model cut at what is explained, and its values and gradients inside a graph.

Imports `graph`, `rules` and `arguments`; `paths`, `masking`, `methods` and all above them may import it.
"""
