"""A method that takes the mean of something along straight paths, by a quadrature."""

import dataclasses
from typing import Any, ClassVar

from deepexplain_tf.arguments.options import is_int, require
from deepexplain_tf.methods.base import Data, Evaluate, Method
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.paths.quadrature import QUADRATURES, as_data

_MAX_STEPS = 100_000


@dataclasses.dataclass(frozen=True)
class SteppedMethod(Method):
    """A method whose program adds up terms at the nodes of a quadrature, with its weights.

    Attributes:
      n_steps: nodes per example, 1 … 100,000; default 64.
      quadrature: `"gauss_legendre"`, `"midpoint"`, `"trapezoid"`, `"left"` or `"right"`.
    """

    uses_baseline: ClassVar[bool] = True
    repeats: ClassVar[bool] = True
    remedy: ClassVar[str] = "more n_steps, or a baseline nearer to the inputs help"
    n_steps: int = 64
    quadrature: str = "gauss_legendre"

    def __post_init__(self) -> None:
        in_range = is_int(self.n_steps) and 1 <= self.n_steps <= _MAX_STEPS
        require(in_range, "n_steps", f"a whole number in 1 … {_MAX_STEPS}", self.n_steps)
        known = isinstance(self.quadrature, str) and self.quadrature in QUADRATURES
        require(known, "quadrature", f"one of {', '.join(map(repr, QUADRATURES))}", self.quadrature)

    @property
    def evaluations(self) -> int:
        return self.n_steps

    def data(self, layout: Layout) -> Data:
        size = _MAX_STEPS if layout.fixed_sizes else self.n_steps  # so that XLA does not compile anew for other steps
        return as_data(QUADRATURES[self.quadrature](self.n_steps), self.n_steps, size)

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        return {**evaluate(self), "n_steps": self.n_steps}
