"""A method that takes the mean of something along straight paths, by a quadrature."""

import dataclasses
from typing import Any, ClassVar

from deepexplain_tf.arguments.options import require_between
from deepexplain_tf.methods.base import Data, Evaluate, Method
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.paths.quadrature import MAX_STEPS, QUADRATURES, as_data, require_quadrature


@dataclasses.dataclass(frozen=True)
class SteppedMethod(Method):
    """A method whose program adds up terms at the nodes of a quadrature, with its weights.

    Attributes:
      n_steps: nodes per example, 1 … 100,000; default 64.
      quadrature: the rule for nodes and weights, `"gauss_legendre"`, `"midpoint"`, `"trapezoid"`, `"left"` or
        `"right"`.
    """

    uses_baseline: ClassVar[bool] = True
    repeats: ClassVar[bool] = True
    remedy: ClassVar[str] = "more n_steps, or a baseline nearer to the inputs help"
    n_steps: int = 64
    quadrature: str = "gauss_legendre"

    def __post_init__(self) -> None:
        require_between("n_steps", 1, MAX_STEPS, self.n_steps)
        require_quadrature(self.quadrature)

    @property
    def evaluations(self) -> int:
        return self.n_steps

    def data(self, layout: Layout) -> Data:
        return as_data(QUADRATURES[self.quadrature](self.n_steps), MAX_STEPS, padded=layout.fixed_sizes)

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        return {**evaluate(self), "n_steps": self.n_steps}
