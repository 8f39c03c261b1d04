"""The contract of what goes around a method, and runs it many times."""

from collections.abc import Callable, Hashable, Mapping, Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.noise import Noise
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import Data, Evaluate, Method, Result
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.shapes import sum_rows
from deepexplain_tf.rules.composites import Composite


@dataclasses.dataclass(frozen=True)
class Around(Method):
    """A method that runs another one for samples; for the engine it is a method like any other. Not registered.

    A subclass defines `attribute`; all other members are those of the method inside, but for what it overrides.

    Attributes:
      method: the method inside.
      noise: the noise, whose samples it takes.
      shared: the names of the class attributes that are those of the method inside.
    """

    method: Method
    noise: Noise
    shared: ClassVar[tuple[str, ...]] = (
        "uses_baseline",
        "differentiates",
        "from_inputs",
        "pairwise",
        "remedy",
        "complete",
        "conserves",
    )

    def __post_init__(self) -> None:
        for name in self.shared:
            object.__setattr__(self, name, getattr(self.method, name))
        option = self.method.excludes_noise
        if option is not None:
            raise OptionError(f"{option} must be left out where noise is given. Got both.")

    @property
    def form(self) -> tuple[Hashable, ...]:
        return type(self), self.method.form

    @property
    def options(self) -> dict[str, Any]:
        return {**self.method.options, "noise": vars(self.noise)}

    @property
    def sets(self) -> str | None:
        return self.method.sets

    def without_sets(self) -> Method:
        return dataclasses.replace(self, method=self.method.without_sets())

    @property
    def evaluations(self) -> int | None:
        return self.method.evaluations

    def evaluations_in(self, layout: Layout) -> int | None:
        return self.method.evaluations_in(layout)

    def pairs_in(self, layout: Layout) -> int:
        return self.method.pairs_in(layout)

    @property
    def grouped(self) -> Any:
        return self.method.grouped

    @property
    def straight(self) -> bool:
        return self.method.straight

    @property
    def inside(self) -> str | None:
        return self.method.inside

    def part(self, objective: Objective) -> Objective:
        return self.method.part(objective)

    @property
    def one_pass(self) -> bool:
        return False

    @property
    def per_unit(self) -> bool:
        return self.method.per_unit

    @property
    def insensitive(self) -> bool:
        return self.method.insensitive

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        return self.method.shares(layout, objective, attributions)

    @property
    def override_map(self) -> Composite:
        return self.method.override_map

    def data(self, layout: Layout) -> Data:
        return {**self.method.data(layout), **self.samples(layout.seed)}

    def samples(self, seed: int | None) -> Data:
        """Returns the key and the number of the samples; `seed` is that of the call."""
        generator = np.random.default_rng(seed if self.noise.seed is None else self.noise.seed)
        key = generator.integers(np.iinfo(np.uint64).max, dtype=np.uint64, endpoint=True)
        return {"noise_key": key, "noise_samples": np.int32(self.noise.n_samples)}

    def bound(self, layout: Layout) -> Method:
        return dataclasses.replace(self, method=self.method.bound(layout))

    def check(
        self, explained: Callable[[], Sequence[np.ndarray]], baseline: Sequence[np.ndarray], *, given: bool
    ) -> None:
        self.method.check(explained, baseline, given=given)

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        return self.method.run(lambda method: evaluate(self), count)

    @property
    def compares(self) -> bool:
        """Whether the method inside returns the target at a baseline."""
        return self.method.complete or self.method.uses_baseline or self.method.sets is not None

    def ends(self, result: Mapping[str, Any], values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns what else a result of the method inside is judged by, `[rows]` each in float64.

        They are the sum of the attributions, the target, and that at the baseline where it `compares`.

        Args:
          result: the result.
          values: its attributions, in float64.
        """
        total = result["total"] if "total" in result else sum_rows(values)
        ends = [total, result["outputs"], *([result["baseline_outputs"]] if self.compares else [])]
        return [tf.cast(end, tf.float64) for end in ends]


def wide_attributions(result: Result) -> list[tf.Tensor]:
    """Returns the attributions of a result in float64, in which the sums over samples are taken."""
    return [tf.cast(array, tf.float64) for array in result["attributions"]]
