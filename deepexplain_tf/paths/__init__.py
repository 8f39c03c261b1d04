"""Integrals of gradients along paths: straight lines, quadrature rules, refinement to a tolerance.

Imports `objective` and the layers below it; `methods` may import it.
"""
