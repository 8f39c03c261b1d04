"""The contract of a method: an override map and a few lines of arithmetic, registered once."""

import abc
from collections.abc import Callable, Hashable, Mapping, Sequence
import dataclasses
from typing import Any, ClassVar, TypedDict

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.names import NAMES
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.registry import Registry
from deepexplain_tf.rules.composites import Composite

# The arguments of `explain` that are not options of a method.
CALL_ARGUMENTS = ("target", "baseline", "batch_size", "chunk_size", "max_memory", "seed", "progress", "tensors", *NAMES)
METHODS: Registry[type["Method"]] = Registry("method")
Data = Mapping[str, np.ndarray | np.generic]  # see `Method.data`
Evaluate = Callable[..., dict[str, Any]]  # (method, rows=None, row_data=None), see `Method.run`
TensorData = Mapping[str, tf.Tensor]  # the same as tensors, see `Method.attribute`


class Result(TypedDict, total=False):
    """The tensors that `Method.attribute` returns; `attributions` and `outputs` are required.

    Attributes:
      attributions: `[batch, ...]` for each explained tensor, in its shape; the engine casts them to its dtype. A
        pairwise method has one, `[batch, features, features]`.
      outputs: `[batch]`, the target at the inputs.
      baseline_outputs: `[batch]`, the target at the baseline; required where `complete` is set.
      standard_error: `[batch, ...]` for each explained tensor, of sampled attributions.
      total: `[batch]`, the sum that completeness compares, where it is not the sum of all attributions.
      mean_outputs: `[batch]`, the target that completeness compares with that sum, where it is not `outputs`.
    """

    attributions: list[tf.Tensor]
    outputs: tf.Tensor
    baseline_outputs: tf.Tensor
    standard_error: list[tf.Tensor]
    total: tf.Tensor
    mean_outputs: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Method(abc.ABC):
    """The contract of a method: one required member, `attribute`; the other members have defaults.

    A method is a frozen dataclass under `@METHODS.register(name, aliases=...)` in a file of its own, with an import
    line in `methods/__init__.py`. Its fields are its options, each with a default; `__post_init__` checks them by
    `arguments.options.require`. A field named `background` is a set of baselines, which `attribute` gets in the place
    of a baseline. The docstring states the formula, the unit, the guarantee, each option with its range, and the paper:
    `describe` shows them. `GradientXInput` is the shortest example.

    One traced graph serves all calls with the same `graph_options`, the same rank of baselines, and the same names,
    dtypes and ranks of `data`. So each other option reaches the graph either through `data`, or as one of the
    `graph_options`.

    Attributes:
      uses_baseline: whether the method compares with a baseline; if False, `explain` refuses `baseline=`.
      differentiates: whether the method takes gradients; if False, ops need no rules and inputs may be whole numbers.
      complete: whether attributions add up to outputs − baseline_outputs; if True, `completeness_gap` is reported.
      conserves: whether attributions add up to outputs, but for what biases and stabilizers absorb; if True,
        `completeness_gap` is Σ attributions − outputs.
      repeats: whether the method evaluates the model many times for each example, in loops over `chunks` as
        `objective.evaluations` and `masking.masked` offer them.
      from_inputs: whether baselines and paths are those of the model's inputs, wherever the explained tensors are; if
        True, `attribute` gets a baseline for each of `scope.inputs`.
      pairwise: whether attributions belong to pairs of features: one array `[batch, features, features]` for all
        explained tensors together.
      noisy: whether noise is added to the examples before they are explained, so that it needs memory too.
      redraws: whether the random ops of the model draw by number, so that `scope.drawn` gives any draw of them.
      remedy: what a user can do about a large gap, or about attributions that are very large, in words.
      graph_options: the names of the options that `attribute` or `override_map` reads from `self`.
      stepwise_options: the names of the options with which `run` looks at results between steps, so that the method is
        no single graph: it takes no noise around it, and is not exported.
    """

    uses_baseline: ClassVar[bool] = False
    differentiates: ClassVar[bool] = True
    complete: ClassVar[bool] = False
    conserves: ClassVar[bool] = False
    repeats: ClassVar[bool] = False
    from_inputs: ClassVar[bool] = False
    pairwise: ClassVar[bool] = False
    noisy: ClassVar[bool] = False
    redraws: ClassVar[bool] = False
    remedy: ClassVar[str] = "another baseline may help"
    graph_options: ClassVar[tuple[str, ...]] = ()
    stepwise_options: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        """Builds the graph that attributes the target of one batch, by TensorFlow ops inside a `tf.function`.

        Args:
          scope: the explained function and the examples: `scope.explained`, `value`, `gradient`, `multipliers`, ….
          baseline: `[1 or batch, ...]` for each explained tensor (or input, see `from_inputs`), which
            `scope.expand_baseline` broadcasts; with a background `[1 or batch, n_baselines, ...]`, for
            `objective.background`; else empty unless `uses_baseline`.
          data: the arrays of `self.data` as tensors, and outside an audit `count`: the number of examples before
            padding, which repeats examples and whose results are dropped.
          composite: `self.override_map` with the user's overrides.
          chunks: the sizes of the chunks, for `Evaluations`.

        Returns:
          The attributions, and the target at the inputs; see `Result`.
        """

    @property
    def evaluations(self) -> int | None:
        """The number of evaluations of the model for each example, None where it is not known before the call."""
        return None

    @property
    def cost(self) -> str:
        """What an example costs with these options, with a background for each baseline, in words."""
        if self.evaluations is None:
            return "one forward and one backward pass"
        return f"{self.evaluations:,} {'gradients' if self.differentiates else 'evaluations'} of the model"

    def evaluations_in(self, layout: Layout) -> int | None:
        """Returns the number of evaluations of the model for each example in a loop over chunks, None if not known."""
        del layout
        return self.evaluations

    def pairs_in(self, layout: Layout) -> int:
        """Returns the number of attributions of an example that are not those of its elements, but of pairs."""
        del layout
        return 0

    @property
    def grouped(self) -> Any:
        """The user's groups of elements, each of which carries the value of its whole group; None without groups."""
        return getattr(self, "groups", None)

    @property
    def straight(self) -> bool:
        """Whether the evaluations lie on straight lines from baseline to input, as `paths.lines` takes them."""
        return False

    @property
    def form(self) -> tuple[Hashable, ...]:
        """What tells the graphs of methods apart: the class, and the values of `graph_options`."""
        return type(self), *(getattr(self, option) for option in self.graph_options)

    @property
    def options(self) -> dict[str, Any]:
        """The values of all options by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def sets(self) -> str | None:
        """The name of the option that holds a set of points for each example; None where none is given.

        `attribute` gets the sets in the place of a baseline; by default they are baselines, the `background`.
        """
        return "background" if getattr(self, "background", None) is not None else None

    def without_sets(self) -> "Method":
        """Returns a method with sets as one that compares with a single baseline."""
        assert self.sets is not None, "there are sets"
        alone: Any = self  # a dataclass with this field
        return dataclasses.replace(alone, **{self.sets: None})

    @property
    def stepwise(self) -> str | None:
        """The first of `stepwise_options` that is given, None where none is."""
        return next((option for option in self.stepwise_options if getattr(self, option) is not None), None)

    @property
    def excludes_noise(self) -> str | None:
        """The option with which the method takes no noise around it, None where there is none."""
        return self.stepwise

    def templates(self, scope: Scope, data: TensorData) -> Sequence[tf.Tensor]:
        """Returns tensors `[batch, ...]` in the shapes of the attributions, by default what is explained."""
        del data
        return scope.explained

    @property
    def loops(self) -> bool:
        """Whether the program has loops over chunks of evaluations."""
        return self.repeats or self.sets is not None

    @property
    def inside(self) -> str | None:
        """The name of a layer inside the model into which the method looks; None where it names none."""
        return None

    def part(self, objective: Objective) -> Objective:
        """Returns the part of the explained function whose ops the method differentiates, by default all of it.

        Raises:
          DeepExplainError: an option that does not fit the explained function.
        """
        return objective

    @property
    def one_pass(self) -> bool:
        """Whether the method is one backward pass (for each baseline), so that an op's loss of the sum can be told."""
        return self.differentiates and not self.repeats

    @property
    def per_unit(self) -> bool:
        """Whether attributions are in another unit than the target, as changes per unit of the input are.

        Metrics that add attributions up leave such a method out.
        """
        return False

    @property
    def insensitive(self) -> bool:
        """Whether attributions hardly depend on what the last layers have learned, as `examples/sanity.py` measures.

        Such a method draws much the same picture where these layers lose their trained weights.
        """
        return False

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns attributions that may be added up over features, for metrics; by default the attributions themselves.

        A method whose elements each carry the value of their group, window or position returns equal shares of it.

        Args:
          layout: the explained tensors.
          objective: the function that is explained, of all outputs of the model that were chosen.
          attributions: `[batch, ...]` for each explained tensor.
        """
        del layout, objective
        return list(attributions)

    @property
    def override_map(self) -> Composite:
        """The rules, such as one of `rules.composites`; by default it replaces no gradient."""
        return Composite()

    def data(self, layout: Layout) -> Data:
        """Returns the arrays that the graph is fed in addition to the examples, by name.

        Their values and sizes may change from call to call without a new trace. Random numbers come from
        `layout.seed`. One call of `explain` may call this several times.

        Raises:
          OptionError: an option that does not fit the explained tensors.
        """
        del layout
        return {}

    def bound(self, layout: Layout) -> "Method":
        """Returns the method for these explained tensors, if its graph must know the user's structure of them."""
        del layout
        return self

    def check(
        self, explained: Callable[[], Sequence[np.ndarray]], baseline: Sequence[np.ndarray], *, given: bool
    ) -> None:
        """Checks the numbers that are explained, before any work is done; tensors of a graph being built have none.

        Args:
          explained: returns an array `[batch, ...]` for each explained tensor; those of layers are computed.
          baseline: as `attribute` gets it.
          given: whether the baseline is the user's, not zeros for want of one.

        Raises:
          DeepExplainError: numbers that do not fit the method.
        """
        del explained, baseline, given

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        """Returns the result for all examples; a method that looks at results between steps overrides this.

        Args:
          evaluate: `(method, rows=None, row_data=None)` → the `Result` of a method's graph as NumPy arrays, for the
            examples `rows`, which may repeat, or for all; `row_data` holds arrays `[rows]`, added to the data.
          count: the number of examples; None where tensors are wanted: then `evaluate` takes only the method and
            returns tensors.

        Returns:
          A `Result`, and optionally `n_steps` and `estimated_error` for the `Explanation`.
        """
        del count
        return evaluate(self)
