"""Integrals along a path to a tolerance: nested, adaptive quadrature of vectors that reuses every evaluation.

In a network with kinks (ReLU, max), the integrand g along the path from the baseline to the input behaves like a
Brownian motion in thousands of dimensions: ‖g(α + h) − g(α)‖² grows like h, down to the finest steps. The best rule on
given nodes is then the trapezoid rule, and the values at the nodes alone give its error (the Brownian bridge):

    E‖error‖² = Σ h²·‖Δg‖² / 12    over the intervals of width h, with Δg the difference between their ends.

The estimate is the root of a high quantile of ‖error‖², not of its mean: see `scatter`.

For other integrands, the inner product ⟨Δg, Δg'⟩ of successive differences corrects an interval's error: it lowers the
error where the differences agree (a smooth integrand) and raises it where they oppose each other (an integrand that
reverts to its mean). Where they agree, the curvature corrects the trapezoid rule too, as in Simpson's rule. The first
nodes are Chebyshev nodes, so that Clenshaw–Curtis quadrature finishes smooth paths at once.

The values of F at the nodes give the gap of each interval: its error, summed over the features. A gap too large for a
Brownian path raises the error, and so draws nodes to changes of F that the gradients do not show. A regression (a
control variate of known mean) closes the remaining gap: a feature's share is proportional to its covariance with the
sum.

References:
  Ritter, *Average-Case Analysis of Numerical Problems*, 2000 (the trapezoid and the best nodes on Brownian paths).
  Clenshaw, Curtis, *A method for numerical integration on an automatic computer*, Numerische Mathematik 2, 1960.
  Gander, Gautschi, *Adaptive quadrature – revisited*, BIT 40, 2000.
"""

from collections.abc import Callable, Sequence
import dataclasses

import numpy as np

from deepexplain_tf.paths.scatter import quantile

_FIRST, _FIRST_FOR_GAP = 9, 5  # first nodes of every example
_FEWEST, _ROUND = 4, 16  # new nodes of an example in one round
_WORTH = 0.05  # least gain of a new node, relative to the largest error: a singular interval is split alone
_RESOLUTION = 1e-6  # relative change of α below which float32 inputs do not move; 1e-30 at α = 0
_NOISE = 1e-6  # a gap smaller than this, relative to |F| or the attributions, is rounding
_CANCELLED = 1e-12  # a sum of products smaller than this, relative to their absolute sum, is mostly rounding
_BLOCK = 2048  # features per block of an inner product
_SAFETY = 1.08  # factor on errors, as refinement ends at the first estimate that is small enough
_OUTLIER = 5.0  # largest gap on a Brownian path, in standard deviations
_ROUGH = 1.5  # Clenshaw–Curtis' last change over the trapezoid's error: √3 on Brownian paths, near 0 on smooth
_SMOOTH = 0.5  # the same, below which Clenshaw–Curtis is the better rule
_GAIN = 0.4  # largest factor by which a doubling multiplies that change on smooth paths; ½ on Brownian paths


@dataclasses.dataclass(frozen=True)
class Samples:
    """The target and the integrands at points of paths."""

    values: np.ndarray  # F, [rows]
    integrands: Sequence[np.ndarray]  # (x − x₀)·∇F for each explained tensor, [rows, ...]


@dataclasses.dataclass(frozen=True)
class Integral:
    """Integrals over α from 0 to 1: attributions `[count, ...]` for each explained tensor, the others `[count]`."""

    attributions: list[np.ndarray]  # in the integrands' dtype
    outputs: np.ndarray  # F at 1
    baseline_outputs: np.ndarray  # F at 0
    estimated_error: np.ndarray  # bound on the relative L2 error of an example's attributions; inf after a NaN or Inf
    n_steps: np.ndarray  # the number of gradients taken for each example


def integrate(
    sample: Callable[[np.ndarray, np.ndarray], Samples],
    count: int,
    *,
    tolerance: float | None,
    gap_tolerance: float | None = None,
    max_steps: int = 4096,
    parallel: int = 8,
) -> Integral:
    """Integrates along the paths of `count` examples until each is within the tolerance.

    An example ends earlier, with its best estimate, after `max_steps` gradients, or if its error lies in intervals that
    are too narrow to split.

    Args:
      sample: `(example numbers [rows], α [rows])` → the `Samples` at these points.
      count: the number of examples, at least 1.
      tolerance: the limit on the relative L2 error of an example's attributions; None where only the gap counts.
      gap_tolerance: the limit on |Σ attributions − ΔF| / |ΔF|, which a gap below 1e-6·max(|F|, ‖attributions‖) always
        meets; `tolerance` where None.
      max_steps: the largest number of gradients per example, at least 9.
      parallel: the number of examples refined at a time; the integrands at all their nodes stay in memory.

    Raises:
      ValueError: no tolerance at all, or too small a `max_steps`.
    """
    gap_tolerance = tolerance if gap_tolerance is None else gap_tolerance
    if gap_tolerance is None or max_steps < _FIRST:
        raise ValueError(f"needs a tolerance and max_steps ≥ {_FIRST}. Got {max_steps}.")
    first = _lobatto(_FIRST_FOR_GAP if tolerance is None else _FIRST)
    paths, pending = {row: _Path() for row in range(count)}, dict.fromkeys(range(count), first)
    done: dict[int, tuple[list[np.ndarray], float, float, float, int]] = {}
    while pending:
        rows = list(pending)[:parallel]
        sizes = [len(pending[row]) for row in rows]
        samples = sample(np.repeat(rows, sizes), np.concatenate([pending[row] for row in rows]))
        stops = np.cumsum(sizes)
        for row, start, stop in zip(rows, stops - sizes, stops, strict=True):
            path = paths[row]
            path.add(pending[row], samples.values[start:stop], [array[start:stop] for array in samples.integrands])
            weights, error, pending[row] = path.refine(tolerance or np.inf, gap_tolerance, max_steps)
            if not pending[row].size:
                done[row] = (path.total(weights), path.values[-1], path.values[0], error, path.alphas.size)
                del pending[row], paths[row]
    attributions, *columns = zip(*(done[row] for row in range(count)), strict=True)
    return Integral([np.stack(arrays) for arrays in zip(*attributions, strict=True)], *map(np.array, columns))


class _Path:
    """The nodes of one example and the inner products of its integrands; a rule is one weight per node."""

    def __init__(self) -> None:
        self.alphas = self.values = self._sums = np.empty(0)
        self._integrands: list[list[np.ndarray]] = []  # one list per round
        self._products = np.empty((0, 0))  # in the order of evaluation, like the integrands
        self._order = np.empty(0, int)
        self._chebyshev = True  # whether all nodes are Chebyshev nodes
        self._step = np.inf  # the norm of the change by their last doubling

    def add(self, alphas: np.ndarray, values: np.ndarray, integrands: Sequence[np.ndarray]) -> None:
        """Adds nodes α, with F `[nodes]` and the integrands `[nodes, ...]` at them."""
        sums = sum(array.reshape(len(alphas), -1).sum(1, dtype=np.float64) for array in integrands)
        self._integrands.append([array.copy() for array in integrands])  # a view would keep the whole chunk alive
        with np.errstate(all="ignore"):
            block = np.concatenate([_products(self._integrands[-1], old) for old in self._integrands], axis=1)
        products = np.empty((block.shape[1],) * 2)
        products[: len(self._products), : len(self._products)] = self._products
        products[len(self._products) :], products[:, len(self._products) :] = block, block.T
        self._products = products
        place = np.searchsorted(self.alphas, alphas)
        self._order = np.insert(self._order, place, self._order.size + np.arange(alphas.size))
        self.alphas, self.values = np.insert(self.alphas, place, alphas), np.insert(self.values, place, values)
        self._sums = np.insert(self._sums, place, sums)

    def total(self, weights: np.ndarray) -> list[np.ndarray]:
        """Returns the weighted sum of the integrands for each explained tensor, in the integrands' dtype."""
        sums = self._sum(weights)
        with np.errstate(all="ignore"):
            return [total.astype(array.dtype) for total, array in zip(sums, self._integrands[0], strict=True)]

    def _sum(self, weights: np.ndarray) -> list[np.ndarray]:
        """Returns the weighted sum of the integrands for each explained tensor, in float64."""
        weights = weights[np.argsort(self._order)]
        stops = np.cumsum([len(arrays[0]) for arrays in self._integrands])
        parts = list(zip(np.split(weights, stops[:-1]), self._integrands, strict=True))
        with np.errstate(all="ignore"):
            return [
                np.sum([np.tensordot(w, arrays[i].astype(np.float64), 1) for w, arrays in parts], 0)
                for i in range(len(self._integrands[0]))
            ]

    def refine(self, tolerance: float, gap_tolerance: float, max_steps: int) -> tuple[np.ndarray, float, np.ndarray]:
        """Returns the best rule on the nodes, its relative error, and the nodes to add, none when they are enough."""
        n, none = self.alphas.size, np.empty(0)
        if not np.isfinite([*self.values, *np.diag(self._products)]).all():
            return _trapezoid(np.diff(self.alphas)), np.inf, none
        weights, errors = self._rule()
        expected, factor = np.sqrt(errors.sum()), quantile(errors, self._products, self._order)
        error = expected * np.sqrt(factor)
        if self._chebyshev:
            fine, coarse = _clenshaw_curtis(n), np.zeros(n)
            coarse[::2] = _clenshaw_curtis(n // 2 + 1)
            step = self._norm(fine - coarse)
            smooth = step < min(_ROUGH * expected, _GAIN * self._step)
            self._chebyshev, self._step = smooth and 2 * n - 1 <= max_steps, step
            if step < _SMOOTH * expected:
                weights, error = fine, step
        size, delta = self._norm(weights), self.values[-1] - self.values[0]
        relative = error / size if size else np.inf if error else 0.0
        gap = abs(weights @ self._sums - delta)
        closed = gap <= max(gap_tolerance * abs(delta), _NOISE * np.abs(self.values).max(), _NOISE * size)
        if (closed and relative <= tolerance) or n >= max_steps:
            return weights, relative, none
        if self._chebyshev:
            return weights, relative, _lobatto(2 * n - 1)[1::2]
        target = errors.sum() / 4 if relative <= tolerance else (tolerance * size) ** 2 / factor
        room = max(_FEWEST, min(_ROUND, n // 2), n // 8)
        return weights, relative, self._split(errors, target, min(room, max_steps - n))

    def _norm(self, weights: np.ndarray) -> float:
        """Returns the L2 norm of a weighted sum of the integrands, from inner products unless these cancel."""
        ordered = weights[np.argsort(self._order)]
        square = ordered @ self._products @ ordered
        if square > _CANCELLED * (np.abs(ordered) @ np.abs(self._products) @ np.abs(ordered)):
            return float(np.sqrt(square))
        return float(np.sqrt(sum((total**2).sum() for total in self._sum(weights))))

    def _rule(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns weights for the nodes, and the expected squared error of each interval."""
        h, order = np.diff(self.alphas), self._order
        square, beside, across = (self._products[order[: order.size - k], order[k:]] for k in range(3))
        squares = np.maximum(square[1:] + square[:-1] - 2 * beside, 0)  # ‖Δg‖²
        cross = beside[1:] + beside[:-1] - square[1:-1] - across  # ⟨Δg, Δg'⟩ at the inner nodes
        before, after = h[:-1], h[1:]

        agreeing = np.zeros_like(h)  # ⟨Δg, Δg'⟩, with Δg' rescaled to the same width
        agreeing[1:] += np.clip(after / before * cross, -squares[1:], squares[1:])
        agreeing[:-1] += np.clip(before / after * cross, -squares[:-1], squares[:-1])
        agreeing[1:-1] /= 2
        share = np.maximum(1 - _ratio(agreeing, squares), 0)
        errors = h**2 * share * squares / 12

        # The curvature at the inner nodes, as multiples of the differences before and after them.
        smoothness = np.clip(
            _ratio(2 * cross * before * after, after**2 * squares[:-1] + before**2 * squares[1:]), 0, 1
        )
        curvature = 2 * smoothness / (before * after * (before + after))
        cubes = h**3 / 12 / np.where((np.arange(h.size) == 0) | (np.arange(h.size) == h.size - 1), 1, 2)
        differences = np.diff(self._sums)
        bends = np.pad(curvature * (after * differences[:-1] - before * differences[1:]), 1)
        coefficients = (cubes[:-1] + cubes[1:]) * curvature
        corrections = np.pad(coefficients * after, (0, 1)) - np.pad(coefficients * before, (1, 0))
        weights = _trapezoid(h) + _of_differences(corrections)

        gaps = np.diff(self.values) - h * (self._sums[1:] + self._sums[:-1]) / 2 - cubes * (bends[1:] + bends[:-1])
        expected = h**2 * share * differences**2 / 12  # the expected square of each gap
        spread = expected.sum()
        size = h * np.sqrt(np.maximum(square[1:], square[:-1]))
        rounding = _NOISE * np.maximum(np.abs(self.values).max(), size)
        if spread > 0 and abs(gaps.sum()) > rounding.max():
            bound = _OUTLIER * np.sqrt(spread)
            closing = np.clip(gaps.sum(), -bound, bound) / spread
            weights += _of_differences(closing * h**2 * share * differences / 12)
        unseen = np.where(np.abs(gaps) > rounding, gaps / _OUTLIER, 0) ** 2 * (errors.sum() / spread if spread else 1)
        return weights, _SAFETY**2 * np.maximum(errors, unseen)

    def _split(self, errors: np.ndarray, target: float, room: int) -> np.ndarray:
        """Returns nodes that split intervals into equal parts: k parts leave 1/k² of a squared error."""
        low, high = self.alphas[:-1], self.alphas[1:]
        fixed = high - low <= np.maximum(_RESOLUTION * high, 1e-30)
        if errors[fixed].sum() > target:
            return np.empty(0)  # F jumps there
        errors = np.where(fixed, 0, errors)
        parts = np.ones(errors.size, int)
        for _ in range(room):
            gains = errors * (1 / parts**2 - 1 / (parts + 1) ** 2)
            enough = parts.max() > 1 and (errors / parts**2).sum() <= target
            if enough or gains.max() <= _WORTH * errors.max():
                break
            parts[np.argmax(gains)] += 1
        split = parts > 1
        nodes = [np.linspace(*ends)[1:-1] for ends in zip(low[split], high[split], parts[split] + 1, strict=True)]
        return np.concatenate(nodes) if nodes else np.empty(0)


def _products(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the inner products of the rows of two rounds in float64, by blocks that fit into the cache."""
    total = np.zeros((len(first[0]), len(second[0])))
    for a, b in zip(first, second, strict=True):
        a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        for start in range(0, a.shape[1], _BLOCK):
            columns = slice(start, start + _BLOCK)
            total += a[:, columns].astype(np.float64) @ b[:, columns].astype(np.float64).T
    return total


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _of_differences(coefficients: np.ndarray) -> np.ndarray:
    """Returns the weight of each node in Σ cᵢ·(gᵢ₊₁ − gᵢ)."""
    return np.pad(coefficients, (1, 0)) - np.pad(coefficients, (0, 1))


def _trapezoid(h: np.ndarray) -> np.ndarray:
    return (np.pad(h, (1, 0)) + np.pad(h, (0, 1))) / 2


def _lobatto(n: int) -> np.ndarray:
    """Returns the extrema of the Chebyshev polynomial of degree n − 1, on [0, 1]; the nodes of 2n − 1 contain these."""
    return np.sin(np.pi / 2 * np.arange(n) / (n - 1)) ** 2


def _clenshaw_curtis(n: int) -> np.ndarray:
    """Returns weights for an odd number of `_lobatto` nodes: exact for polynomials of degree n − 1."""
    even = np.arange(0, n, 2)
    moments = 1 / (1 - even**2.0)
    moments[[0, -1]] /= 2
    weights = np.cos(np.pi / (n - 1) * np.outer(np.arange(n), even)) @ moments * 2 / (n - 1)
    weights[[0, -1]] /= 2
    return weights
