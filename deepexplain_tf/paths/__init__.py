"""Integrals of gradients along paths: straight lines, quadrature rules, refinement to a tolerance.

Imports `objective` and what lies below it; `methods` may import it.
"""
