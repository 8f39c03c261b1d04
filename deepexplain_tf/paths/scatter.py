"""How the squared error of a trapezoid rule scatters around its mean, on paths with kinks.

A gradient with one jump of Δg in an interval of width h makes an error of h·Δg·(u − ½), with u uniform. Over many
intervals with orthogonal jumps, the squared errors add up to nearly their mean; with few or parallel jumps, one path in
twenty is off by twice the root of the mean.

References:
  Wilson, Hilferty, *The distribution of chi-square*, PNAS 17, 1931.
"""

import numpy as np

_NORMAL = 2.054  # 98 % quantile of the normal distribution: see `quantile`
_OF_ONE = 0.4  # half the relative variance of (u − ½)²
_LARGEST = 256  # so many intervals of the largest errors tell how they scatter


def quantile(errors: np.ndarray, products: np.ndarray, order: np.ndarray) -> float:
    """Returns the 98 % quantile of the squared error over its mean, at least 1.

    The squared error is taken for a multiple of χ² whose variance is that of the terms (u − ½)² of the intervals and of
    their products, which count as far as the jumps are parallel. Refinement ends at the first estimate that is small
    enough, so that fewer paths than 98 % stay below it; examples/tolerance_of_rows.py counts them.

    Args:
      errors: `[intervals]`, the expected squared error of each.
      products: `[nodes, nodes]`, the inner products of the integrands.
      order: `[intervals + 1]`, the position of each node in `products`.
    """
    total = errors.sum()
    if not 0 < total < np.inf:
        return 1.0
    largest = np.argsort(errors)[-_LARGEST:]
    low, high = order[largest], order[largest + 1]
    at_low, at_high, across = (products[np.ix_(*pair)] for pair in ((low, low), (high, high), (low, high)))
    jumps = at_low + at_high - across - across.T  # ⟨Δg, Δg'⟩
    squares = np.maximum(np.diag(jumps), 0)
    sizes = np.outer(squares, squares)
    parallel = np.minimum(np.divide(jumps**2, sizes, out=np.zeros_like(sizes), where=sizes > 0), 1)
    np.fill_diagonal(parallel, _OF_ONE)
    shares = errors[largest] / total
    variance = 2 * shares @ parallel @ shares
    # (χ² over its mean)^⅓ is nearly normal.
    return float(max((1 - variance / 9 + _NORMAL * np.sqrt(variance / 9)) ** 3, 1.0))
