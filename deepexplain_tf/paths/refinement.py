"""Integrals along a path to a tolerance: nested, adaptive quadrature of vectors, with everything evaluated kept.

Along the path from the baseline to the input, the integrand g of a network of kinks (ReLU, max) is a Brownian motion
in thousands of dimensions: ‖g(α + h) − g(α)‖² grows like h, down to the finest steps. The best rule on given nodes is
then the trapezoid's, and its error is known from the values there alone (the Brownian bridge):

    E‖error‖² = Σ h²·‖Δg‖² / 12    over the intervals of width h and difference Δg between their ends.

For other integrands, successive differences that agree (smooth) or oppose each other (it returns to its mean) shrink
or raise an interval's part by ⟨Δg, Δg'⟩; where they agree, the curvature between them corrects the trapezoid, as in
Simpson's rule. The first nodes are Chebyshev's, so that Clenshaw–Curtis quadrature ends smooth paths at once.

F at the nodes tells the sum over the features of every interval's error, its gap. Gaps that a Brownian path would not
leave add to the error, and draw the nodes to what the gradients do not show. What is left of the gap is closed by
regression (a control variate of known mean): the features get it in proportion to how they move with the sum.

References:
  Ritter, *Average-Case Analysis of Numerical Problems*, 2000 (the trapezoid and the best nodes on Brownian paths).
  Clenshaw, Curtis, *A method for numerical integration on an automatic computer*, Numerische Mathematik 2, 1960.
  Gander, Gautschi, *Adaptive quadrature – revisited*, BIT 40, 2000.
"""

from collections.abc import Callable, Sequence
import dataclasses

import numpy as np

_FIRST, _FIRST_FOR_GAP = 9, 5  # nodes that every example gets
_FEWEST, _ROUND = 4, 16  # nodes of an example that are asked for at once
_WORTH = 0.05  # of the largest error must a node gain: beside a singular interval nothing is split, and that in few
_RESOLUTION = 1e-6  # of α, below which float32 inputs do not move; 1e-30 at 0
_NOISE = 1e-6  # of |F| or the attributions, below which a gap is rounding
_CANCELLED = 1e-12  # part of the sum of absolute products, below which a sum of products is mostly rounding
_BLOCK = 2048  # features whose inner products are taken at once
_SAFETY = 1.08  # errors scatter by a few per cent around their mean square
_OUTLIER = 5.0  # standard deviations of a gap
_ROUGH = 1.5  # Clenshaw–Curtis' last step over the error of the trapezoid: √3 on Brownian paths, near 0 on smooth ones
_GAIN = 0.4  # by which a doubling shrinks that step at least where a path is smooth: ½ on Brownian ones


@dataclasses.dataclass(frozen=True)
class Samples:
    """What is known at points of paths."""

    values: np.ndarray  # F, [rows]
    integrands: Sequence[np.ndarray]  # (x − x₀)·∇F for each explained tensor, [rows, ...]


@dataclasses.dataclass(frozen=True)
class Integral:
    """Integrals over α from 0 to 1: attributions `[count, ...]` for each explained tensor, the rest `[count]`."""

    attributions: list[np.ndarray]  # in the integrands' dtype
    outputs: np.ndarray  # F at 1
    baseline_outputs: np.ndarray  # F at 0
    estimated_error: np.ndarray  # relative L2 error of an example's attributions; inf where something is not finite
    n_steps: np.ndarray  # gradients of each example


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

    `max_steps` ends an example with what was reached, as does an error in what is too narrow to be cut.

    Args:
      sample: `(example numbers [rows], α [rows])` → what is known there.
      count: how many examples there are, at least 1.
      tolerance: of the relative L2 error of an example's attributions; None where only the gap counts.
      gap_tolerance: of |Σ attributions − ΔF| / |ΔF|, or of 1e-6·max(|F|, ‖attributions‖); as `tolerance` where None.
      max_steps: gradients per example at most, at least 9.
      parallel: how many examples are refined at a time; the integrands at all their nodes are kept.
    """
    gap_tolerance = tolerance if gap_tolerance is None else gap_tolerance
    if gap_tolerance is None or max_steps < _FIRST:
        raise ValueError(f"needs a tolerance and max_steps ≥ {_FIRST}. Got {max_steps}.")
    first = _lobatto(_FIRST_FOR_GAP if tolerance is None else _FIRST)
    paths, wanted = {row: _Path() for row in range(count)}, dict.fromkeys(range(count), first)
    done: dict[int, tuple[list[np.ndarray], float, float, float, int]] = {}
    while wanted:
        rows = list(wanted)[:parallel]
        sizes = [len(wanted[row]) for row in rows]
        samples = sample(np.repeat(rows, sizes), np.concatenate([wanted[row] for row in rows]))
        stops = np.cumsum(sizes)
        for row, start, stop in zip(rows, stops - sizes, stops, strict=True):
            path = paths[row]
            path.add(wanted[row], samples.values[start:stop], [array[start:stop] for array in samples.integrands])
            weights, error, wanted[row] = path.refine(tolerance or np.inf, gap_tolerance, max_steps)
            if not wanted[row].size:
                done[row] = (path.total(weights), path.values[-1], path.values[0], error, path.alphas.size)
                del wanted[row], paths[row]
    attributions, *columns = zip(*(done[row] for row in range(count)), strict=True)
    return Integral([np.stack(arrays) for arrays in zip(*attributions, strict=True)], *map(np.array, columns))


class _Path:
    """The nodes of one example, and the inner products of its integrands; a rule is one weight for each node."""

    def __init__(self) -> None:
        self.alphas = self.values = self._sums = np.empty(0)
        self._integrands: list[list[np.ndarray]] = []  # of each round
        self._products = np.empty((0, 0))  # in the order of evaluation, as the integrands
        self._order = np.empty(0, int)
        self._chebyshev = True  # whether the nodes are all Chebyshev's, and
        self._step = np.inf  # what their last doubling changed

    def add(self, alphas: np.ndarray, values: np.ndarray, integrands: Sequence[np.ndarray]) -> None:
        """Adds nodes."""
        sums = sum(array.reshape(len(alphas), -1).sum(1, dtype=np.float64) for array in integrands)
        self._integrands.append([array.copy() for array in integrands])  # not the whole chunk that they lie in
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
        """Returns the weighted sum of the integrands, for each explained tensor, in its dtype."""
        sums = self._sum(weights)
        with np.errstate(all="ignore"):
            return [total.astype(array.dtype) for total, array in zip(sums, self._integrands[0], strict=True)]

    def _sum(self, weights: np.ndarray) -> list[np.ndarray]:
        """Returns the weighted sum of the integrands, for each explained tensor, in float64."""
        weights = weights[np.argsort(self._order)]
        stops = np.cumsum([len(arrays[0]) for arrays in self._integrands])
        parts = list(zip(np.split(weights, stops[:-1]), self._integrands, strict=True))
        with np.errstate(all="ignore"):
            return [
                np.sum([np.tensordot(w, arrays[i].astype(np.float64), 1) for w, arrays in parts], 0)
                for i in range(len(self._integrands[0]))
            ]

    def refine(self, tolerance: float, gap_tolerance: float, max_steps: int) -> tuple[np.ndarray, float, np.ndarray]:
        """Returns the best rule on the nodes, its relative error, and the nodes to add: none at the end."""
        n, none = self.alphas.size, np.empty(0)
        if not np.isfinite([*self.values, *np.diag(self._products)]).all():
            return _trapezoid(np.diff(self.alphas)), np.inf, none
        weights, errors = self._rule()
        error = np.sqrt(errors.sum())
        if self._chebyshev:
            fine, coarse = _clenshaw_curtis(n), np.zeros(n)
            coarse[::2] = _clenshaw_curtis(n // 2 + 1)
            step = self._norm(fine - coarse)
            smooth = step < min(_ROUGH * error, _GAIN * self._step)
            self._chebyshev, self._step = smooth and 2 * n - 1 <= max_steps, step
            if step < error:
                weights, error = fine, step
        size, delta = self._norm(weights), self.values[-1] - self.values[0]
        relative = error / size if size else np.inf if error else 0.0
        gap = abs(weights @ self._sums - delta)
        closed = gap <= max(gap_tolerance * abs(delta), _NOISE * np.abs(self.values).max(), _NOISE * size)
        if (closed and relative <= tolerance) or n >= max_steps:
            return weights, relative, none
        if self._chebyshev:
            return weights, relative, _lobatto(2 * n - 1)[1::2]
        target = errors.sum() / 4 if relative <= tolerance else (tolerance * size) ** 2
        room = max(_FEWEST, min(_ROUND, n // 2), n // 8)
        return weights, relative, self._split(errors, target, min(room, max_steps - n))

    def _norm(self, weights: np.ndarray) -> float:
        """Returns the L2 norm of a weighted sum of the integrands, from their inner products where these are enough."""
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

        agreeing = np.zeros_like(h)  # ⟨Δg, Δg'⟩, as if a neighbour's difference were one over the same width
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
        expected = h**2 * share * differences**2 / 12  # of each squared gap
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
        """Returns nodes that cut intervals in equal parts: k parts leave 1/k² of a squared error."""
        low, high = self.alphas[:-1], self.alphas[1:]
        fixed = high - low <= np.maximum(_RESOLUTION * high, 1e-30)
        if errors[fixed].sum() > target:
            return np.empty(0)  # F jumps there
        errors = np.where(fixed, 0, errors)
        parts = np.ones(errors.size, int)
        for _ in range(room):
            gains = errors * (1 / parts**2 - 1 / (parts + 1) ** 2)
            reached = parts.max() > 1 and (errors / parts**2).sum() <= target
            if reached or gains.max() <= _WORTH * errors.max():
                break
            parts[np.argmax(gains)] += 1
        cut = parts > 1
        nodes = [np.linspace(*ends)[1:-1] for ends in zip(low[cut], high[cut], parts[cut] + 1, strict=True)]
        return np.concatenate(nodes) if nodes else np.empty(0)


def _products(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the inner products of the rows of two rounds, added up in float64, a cached block at a time."""
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
    """Returns the weights of the nodes in Σ cᵢ·(gᵢ₊₁ − gᵢ)."""
    return np.pad(coefficients, (1, 0)) - np.pad(coefficients, (0, 1))


def _trapezoid(h: np.ndarray) -> np.ndarray:
    return (np.pad(h, (1, 0)) + np.pad(h, (0, 1))) / 2


def _lobatto(n: int) -> np.ndarray:
    """Returns the extrema of the Chebyshev polynomial of degree n − 1, on [0, 1]; those of 2n − 1 hold them."""
    return np.sin(np.pi / 2 * np.arange(n) / (n - 1)) ** 2


def _clenshaw_curtis(n: int) -> np.ndarray:
    """Returns weights for an odd number of `_lobatto` nodes: exact for polynomials of degree n − 1."""
    even = np.arange(0, n, 2)
    moments = 1 / (1 - even**2.0)
    moments[[0, -1]] /= 2
    weights = np.cos(np.pi / (n - 1) * np.outer(np.arange(n), even)) @ moments * 2 / (n - 1)
    weights[[0, -1]] /= 2
    return weights
