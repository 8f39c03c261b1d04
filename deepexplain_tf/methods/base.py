"""What a method is: an override map and a few lines of arithmetic, registered once.

A method is a frozen dataclass; its fields are its options, checked when it is made. `attribute` builds its
graph from a `Scope`; what may differ from call to call without tracing again comes as `data`.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any, ClassVar, TypedDict

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import OptionError, closest, shortened
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.registry import Registry
from deepexplain_tf.rules.composites import Composite

# Every method takes them.
CALL_ARGUMENTS = ("target", "baseline", "batch_size", "chunk_size", "max_memory", "seed", "progress")
METHODS: Registry[type["Method"]] = Registry("method")
Data = Mapping[str, np.ndarray | np.generic]
Evaluate = Callable[..., dict[str, Any]]  # (method, rows=None, row_data=None), see `Method.run`
TensorData = Mapping[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a method may know of the explained tensors before any work.

    Attributes:
      structure: the explained tensors' structure as the user sees it, with positions as leaves.
      shapes: the shape of one example of each.
      seed: the user's seed.
      fixed: whether a compiler wants arrays of the same size at every call.
      background: baselines `[any number, ...]` for each explained tensor, of a method that has them.
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]
    seed: int | None
    fixed: bool = False
    background: tuple[np.ndarray, ...] = ()

    @property
    def background_data(self) -> dict[str, np.ndarray]:
        """The background as data of a graph."""
        return {f"background_{number}": array for number, array in enumerate(self.background)}

    def flatten(self, option: str, given: Any) -> list[Any]:
        """Returns an option that has one value for each explained tensor, in their order.

        Raises:
          OptionError: the option does not have the structure of the inputs.
        """
        structure = self.structure
        if isinstance(structure, Mapping) and isinstance(given, Mapping) and given.keys() == structure.keys():
            return [given[name] for name in sorted(structure, key=structure.__getitem__)]
        if isinstance(structure, list | tuple) and isinstance(given, list | tuple) and len(given) == len(structure):
            return list(given)
        if structure == 0:
            return [given]
        shown = list(structure) if isinstance(structure, Mapping) else f"{len(structure)} inputs"
        raise OptionError(f"{option} must have the structure of the inputs, {shown}. Got {str(given)[:100]}.")


class Result(TypedDict, total=False):
    """What a method's graph returns.

    `attributions` has one tensor `[batch, ...]` for each explained tensor; `outputs` and `baseline_outputs`
    are `[batch]`; `total` `[batch]` is what completeness adds up, where that is not the sum of attributions.
    """

    attributions: list[tf.Tensor]
    outputs: tf.Tensor
    baseline_outputs: tf.Tensor
    standard_error: list[tf.Tensor]
    total: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Method(abc.ABC):
    """The contract of a method. Required: `attribute`; the rest has defaults."""

    uses_baseline: ClassVar[bool] = False
    differentiates: ClassVar[bool] = True
    complete: ClassVar[bool] = False  # attributions sum to outputs − baseline_outputs
    repeats: ClassVar[bool] = False  # evaluates the model many times for each example
    straight: ClassVar[bool] = False  # and does so on straight lines
    graph_options: ClassVar[tuple[str, ...]] = ()  # options that the graph is built from

    @abc.abstractmethod
    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        """Builds the attribution of one batch.

        Args:
          scope: the objective and the examples.
          baseline: `[1 or batch, ...]` for each explained tensor; empty where the method has none.
          data: the tensors of `self.data`; and `count`, the number of examples that are no padding.
          composite: `self.composite` with the user's overrides.
          chunks: for methods that evaluate the model many times.
        """

    @property
    def evaluations(self) -> int | None:
        """How many gradients each example needs, where that is known before."""
        return None

    @property
    def per_unit(self) -> bool:
        """Whether attributions are changes of the target per unit of the input, instead of contributions to it."""
        return False

    def shares(self, layout: Layout, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns attributions whose elements add up, where several carry the value of all of them together."""
        del layout
        return list(attributions)

    @property
    def composite(self) -> Composite:
        """The override map."""
        return Composite()

    def data(self, layout: Layout) -> Data:
        """Returns what the graph is fed beside the examples; OptionError where the options do not fit."""
        del layout
        return {}

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        """Returns the result for all examples; a method that looks at results between steps replaces it.

        Args:
          evaluate: `(method, rows=None, row_data=None)` → the result of a method's graph for some examples, which
            may repeat; `row_data` is data of which each has its own, `[rows]`.
          count: how many examples there are, None inside a graph.
        """
        del count
        return evaluate(self)


class GradientMethod(Method):
    """A method that is one gradient under an override map, times the input where `times_input` is set."""

    times_input: ClassVar[bool] = False

    @property
    def per_unit(self) -> bool:
        return not self.times_input

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        target, gradients = scope.gradient(scope.explained, composite)
        if self.times_input:
            gradients = [x * gradient for x, gradient in zip(scope.explained, gradients, strict=True)]
        return {"attributions": gradients, "outputs": target}


def make(name: str, options: Mapping[str, Any]) -> Method:
    """Makes a method from its name and options.

    Raises:
      UnknownNameError: no such method.
      OptionError: an unknown or foreign option, or a value out of range.
    """
    kind = METHODS[name]
    known = {field.name for field in dataclasses.fields(kind)}
    for option in options:
        if option not in known:
            owners = [other for other in METHODS if option in {f.name for f in dataclasses.fields(METHODS[other])}]
            hint = f"it belongs to {', '.join(owners)}" if owners else closest(option, {*known, *CALL_ARGUMENTS})
            raise OptionError(f"unknown option {shortened(option)} of {METHODS.resolve(name)}; {hint}.")
    return kind(**options)
