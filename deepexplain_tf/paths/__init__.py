"""Integrals of gradients along paths: straight lines, quadrature rules, refinement to a tolerance; paths of words.

Imports `objective` and the layers below it; `methods` may import it.
"""

from deepexplain_tf.paths.discretized import discretized

__all__ = ["discretized"]
