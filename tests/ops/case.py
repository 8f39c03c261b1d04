"""What a case of an op is: a function that uses it, and the points at which its rule is tried."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

Domain = tuple[float, float]

REALS = (-np.inf, np.inf)
POSITIVE = (1e-12, np.inf)
UNIT = (-1 + 1e-9, 1 - 1e-9)


@dataclasses.dataclass(frozen=True)
class Case:
    """A function `[batch, ...]` → `[batch, ...]` of one or several inputs, with one op that it is about.

    Attributes:
      function: of one tensor per input; each row of its result depends on that row alone.
      shapes: the shape of one example of each input.
      domains: what the op takes, for each input or one for all.
      huge: the size of the largest numbers.
      rtol: what a sum may miss, relative to the change; other than 1e-9 only for what computes in float32.
    """

    function: Callable[..., tf.Tensor]
    shapes: Sequence[tuple[int, ...]] = ((6,),)
    domains: Sequence[Domain] = (REALS,)
    huge: float = 80.0
    rtol: float = 1e-9

    @property
    def tiny(self) -> float:
        """The size of the smallest numbers, of which no square is zero."""
        return 1e-150 if self.rtol <= 1e-9 else 1e-15

    def values(self, seed: int, rows: int) -> list[np.ndarray]:
        """Returns random numbers of the domain for each input, `[rows, ...]`."""
        generator = np.random.default_rng(seed)
        return self._fitted([generator.normal(size=(rows, *shape)) for shape in self.shapes])

    def points(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Returns pairs of points for each input, `[rows, ...]`: at random, tied, at zero, equal, huge and tiny."""
        generator = np.random.default_rng(0)
        pairs = [self._pairs(generator, shape) for shape in self.shapes]
        return self._fitted([x for x, _ in pairs]), self._fitted([x0 for _, x0 in pairs])

    def _pairs(self, generator: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        a, b = generator.normal(size=(2, *shape))
        sign = np.where(generator.random(shape) < 0.5, -1.0, 1.0)
        some = generator.random(shape) < 0.5
        ones, zeros = np.ones(shape), np.zeros(shape)
        pairs = [
            (a, b),
            (b, -a),
            (a, -a),
            (np.round(a), np.round(b)),
            (ones, 2 * ones),
            (zeros, b),
            (a, zeros),
            (zeros, zeros),
            (a, a),
            (np.where(some, a, b), b),
            (a * (1 + 1e-10), a),
            (self.huge * a, self.huge * b),
            (self.huge * sign, a),
            (self.huge * ones, -self.huge * ones),
            (1e-12 * a, 1e-12 * b),
            (self.huge * a, 1e-12 * b),
            (self.tiny * a, zeros),
        ]
        x, x0 = zip(*pairs, strict=True)
        return np.stack(x), np.stack(x0)

    def _fitted(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        domains = self.domains if len(self.domains) == len(arrays) else list(self.domains) * len(arrays)
        return [_fitted(array, domain) for array, domain in zip(arrays, domains, strict=True)]


def _fitted(array: np.ndarray, domain: Domain) -> np.ndarray:
    """Folds numbers into an interval."""
    low, high = domain
    return np.clip(np.abs(array) if low >= 0 else array, low, high)
