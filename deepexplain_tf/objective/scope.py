"""The explained function inside a graph: its values, gradients and multipliers for the examples of a batch."""

from collections.abc import Callable, Mapping, Sequence
import functools

import tensorflow as tf

from deepexplain_tf.graph.activity import changes_rows, control_depends_on
from deepexplain_tf.graph.emit import emit, emit_twin, emit_with_rules
from deepexplain_tf.graph.ir import Program, Value
from deepexplain_tf.graph.passes import AffinePrefix, hoistable
from deepexplain_tf.graph.twin import Twin
from deepexplain_tf.objective.feature_maps import FeatureMaps
from deepexplain_tf.objective.gradients import gradients_of
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.redraw import first_draw
from deepexplain_tf.objective.shapes import broadcast_rows, count_rows, shape_with_rows
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.replacement import replaced_gradients


class Scope:
    """An objective inside the graph being built, for the examples of one batch.

    Methods call it for values, gradients and multipliers of the target; each call emits the program once.
    """

    def __init__(
        self,
        objective: Objective,
        inputs: Sequence[tf.Tensor],
        selector: Sequence[tf.Tensor] = (),
        fixed: Mapping[Value, tf.Tensor] | None = None,
        size: tf.Tensor | None = None,
        at: Sequence[tf.Tensor] = (),
    ):
        """Makes the scope of some examples.

        Args:
          objective: the explained function.
          inputs: the model's inputs, `[batch, ...]` each.
          selector: the data of the target, `[batch, ...]` each: an index, or weights, or `objective.data`.
          fixed: tensors for values inside the program that are the same for all examples; `draws` get the first one.
          size: the number of examples; by default that of the first input's rows.
          at: the explained tensors, `[batch, ...]` each; by default those at the inputs.
        """
        self._objective = objective
        self._inputs = inputs
        self._selector = selector
        self._fixed = {**first_draw(objective), **(fixed or {})}
        self._size = size
        self._at = list(at)
        data = zip(objective.data, selector, strict=True) if objective.data else ()
        self._given = {**dict(zip(objective.inputs, inputs, strict=True)), **dict(data), **self._fixed}

    @functools.cached_property
    def explained(self) -> list[tf.Tensor]:
        """The explained tensors at the input, `[batch, ...]` each."""
        if self._at:
            return self._at
        prefix = self._objective.prefix
        if prefix is None:
            return [self._given[value] for value in self._objective.explained]
        return emit(prefix, self._given)

    @property
    def inputs(self) -> list[tf.Tensor]:
        """The model's inputs, `[batch, ...]` each."""
        return list(self._inputs)

    @property
    def size(self) -> tf.Tensor:
        """The number of examples."""
        return count_rows(self._inputs[0]) if self._size is None else self._size

    @property
    def dtype(self) -> tf.DType:
        """The dtype of the target."""
        return self._objective.program.outputs[0].dtype

    def expand_baseline(
        self, baseline: Sequence[tf.Tensor], *, shared: bool = False, of: Sequence[tf.Tensor] | None = None
    ) -> list[tf.Tensor]:
        """Returns baselines broadcast to the shapes of the explained tensors.

        Args:
          baseline: `[1 or batch, ...]` for each explained tensor; axes of length 1 broadcast.
          shared: whether a baseline that all examples share stays one row; by default each example gets a row.
          of: the tensors that the baselines belong to, by default the explained tensors.
        """
        pairs = list(zip(baseline, self.explained if of is None else of, strict=True))
        if not shared:
            return [broadcast_rows(b, tf.shape(x), x) for b, x in pairs]
        rows = tf.reduce_max([count_rows(b) for b in baseline])
        return [broadcast_rows(b, shape_with_rows(rows, x), x) for b, x in pairs]

    def gather(self, index: tf.Tensor) -> "Scope":
        """Returns a scope of the examples `index` `[rows]`, whose methods need explained tensors `[rows, ...]`."""
        objective = self._objective
        inputs = [
            tf.gather(tensor, index) if value in objective.context else tensor
            for value, tensor in zip(objective.inputs, self._inputs, strict=True)
        ]
        selector = [tf.gather(tensor, index) for tensor in self._selector]
        return Scope(objective, inputs, selector, self._fixed, count_rows(index))

    def at(self, explained: Sequence[tf.Tensor]) -> "Scope":
        """Returns a scope whose examples have other explained tensors, `[batch, ...]` each."""
        return Scope(self._objective, self._inputs, self._selector, self._fixed, self._size, explained)

    def at_inputs(self, inputs: Sequence[tf.Tensor]) -> "Scope":
        """Returns a scope of the same examples at other inputs of the model, `[rows, ...]` each."""
        return Scope(self._objective, inputs, self._selector, self._fixed)

    def drawn(self, key: tf.Tensor, sample: tf.Tensor) -> "Scope":
        """Returns a scope of the same examples, whose random ops give the draw `sample` of a key."""
        fixed = {**self._fixed, **dict(zip(self._objective.draws, (key, sample), strict=True))}
        return Scope(self._objective, self._inputs, self._selector, fixed, self._size, self._at)

    @property
    def twice_differentiable(self) -> "Scope":
        """The same scope, whose gradients have the right derivatives; see `Objective.differentiable`."""
        return Scope(self._objective.differentiable, self._inputs, self._selector, self._fixed, self._size, self._at)

    def simplified(self, composite: Composite, *, straight: bool) -> "tuple[Scope, AffinePrefix | None]":
        """Returns the scope on which many gradients are cheapest, and the affine prefix before it, if any.

        This computes values that are the same for all examples, once. See `Objective.simplified`.
        """
        objective, prefix = self._objective.simplified(composite, straight=straight)
        values = hoistable(objective.program)
        fixed = dict(zip(values, emit(Program((), tuple(values)), {}), strict=True))
        fixed |= {value: self._fixed[value] for value in objective.draws}
        selector = self._selector
        if objective.of_index is not None:
            index = dict(zip(objective.of_index.inputs, selector, strict=True))
            selector = emit(objective.of_index, {**fixed, **index})
        at = self._at if prefix is None else ()  # behind a prefix other tensors are explained
        return Scope(objective, self._inputs, selector, fixed, self._size, at), prefix

    def output(self, explained: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the model's output, from which the target is selected."""
        return emit(self._objective.program, self._bind(explained))[0]

    def inner(self, values: Sequence[Value], explained: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns values inside the program, at the given explained tensors."""
        return emit(Program(self._objective.program.inputs, tuple(values)), self._bind(explained))

    def value(self, explained: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the target `[rows]` at the given explained tensors, `[rows, ...]` each."""
        return self._select(emit(self._objective.program, self._bind(explained))[0])

    def outputs_with_rules(
        self, explained: Sequence[tf.Tensor], composite: Composite, baseline: Sequence[tf.Tensor] = ()
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns the program's outputs with the gradient of a composite, and the outputs at the baseline.

        Args:
          explained: the explained tensors, `[rows, ...]` each.
          composite: the rules.
          baseline: `[1 or rows, ...]` each, for twin-valued rules. A baseline that all examples share is evaluated
            once if no other tensor carries the batch; the outputs at the baseline then have one row.
        """
        objective = self._objective
        program = objective.program_for(composite)
        if not composite.twin:
            return emit_with_rules(program, self._bind(explained), objective.explained, composite.single_rule), []
        shareable = (
            objective.prefix is None
            and objective.batch is None
            and not objective.data
            and not control_depends_on(objective.explained, objective.numbered)
            and not changes_rows(objective.explained, objective.numbered)
        )
        twins = {}
        for value, x, x0 in zip(objective.explained, explained, baseline, strict=True):
            shape = shape_with_rows(count_rows(x0), x) if shareable else tf.shape(x)
            twins[value] = Twin(x, broadcast_rows(x0, shape, x))
        outputs = emit_twin(program, self._given, twins, composite.twin_rule)
        return [twin.x for twin in outputs], [twin.baseline for twin in outputs]

    def gradient(
        self, explained: Sequence[tf.Tensor], composite: Composite, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the target `[rows]` and its gradient, with a composite's single-valued rules.

        Args:
          explained: the points, `[rows, ...]` for each explained tensor.
          composite: the rules.
          weights: `[rows]`, factors of the gradients; None for no factors.

        Returns:
          The target `[rows]`, and the gradient `[rows, ...]` for each explained tensor.

        Raises:
          UnsupportedOpError: an op has no gradient.
        """
        points = [tf.identity(tensor) for tensor in explained]
        with replaced_gradients():
            outputs, _ = self.outputs_with_rules(points, composite)
            target = self._select(outputs[0])
            return target, gradients_of(target, points, None if weights is None else tf.cast(weights, target.dtype))

    def feature_maps(self, at: str | None) -> FeatureMaps:
        """Returns the output of a layer as feature maps; see `Objective.feature_maps`."""
        return self._objective.feature_maps(at)

    def value_inside(self, at: str) -> Value:
        """Returns the output of a layer inside the program; see `Objective.value_inside`."""
        return self._objective.value_inside(at)

    def gradient_inside(
        self, value: Value, composite: Composite, explained: Sequence[tf.Tensor] | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the target `[rows]`, a value inside the program, and the gradient of the target there.

        Args:
          value: a value of the program, without canonical groups or layers.
          composite: single-valued rules for the program as it was traced.
          explained: the points, `[rows, ...]` for each explained tensor; None for the explained tensors themselves.

        Raises:
          UnsupportedOpError: an op has no gradient.
        """
        objective = self._objective
        program = Program(objective.program.inputs, (objective.program.outputs[0], value))
        given = self._bind(self.explained if explained is None else explained)
        with replaced_gradients():
            output, inside = emit_with_rules(program, given, objective.explained, composite.single_rule)
            target = self._select(output)
            (gradient,) = gradients_of(target, [inside])
        return target, inside, gradient

    def relevance(self, explained: Sequence[tf.Tensor], composite: Composite) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the target `[rows]`, and its relevance as the rules of a composite hand it back.

        Args:
          explained: the points, `[rows, ...]` for each explained tensor.
          composite: rules for relevance.

        Returns:
          The target `[rows]`, and the relevance `[rows, ...]` for each explained tensor.

        Raises:
          UnsupportedOpError: an op has no gradient.
        """
        points = [tf.identity(tensor) for tensor in explained]
        with replaced_gradients():
            outputs, _ = self.outputs_with_rules(points, composite)
            target = self._select(outputs[0])
            (weights,) = gradients_of(target, outputs[:1])
            return target, gradients_of(outputs[0], points, outputs[0] * weights)

    def multipliers(
        self, explained: Sequence[tf.Tensor], baseline: Sequence[tf.Tensor], composite: Composite
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Returns the target at the input and at the baseline, and the multipliers of twin-valued rules.

        Args:
          explained: the explained tensors, `[rows, ...]` each.
          baseline: `[1 or rows, ...]` for each explained tensor.
          composite: the twin-valued rules.

        Returns:
          The target `[rows]` at the input, the target `[rows]` at the baseline, and the multipliers `[rows, ...]` for
          each explained tensor.

        Raises:
          UnsupportedOpError: an op has no gradient.
        """
        points = [tf.identity(tensor) for tensor in explained]
        with replaced_gradients():
            outputs, at_baseline = self.outputs_with_rules(points, composite, baseline)
            select = self._selection(outputs[0])
            target = select(outputs[0])
            multipliers = gradients_of(target, points)
        return target, select(tf.broadcast_to(at_baseline[0], tf.shape(outputs[0]))), multipliers

    def _bind(self, explained: Sequence[tf.Tensor]) -> Mapping[Value, tf.Tensor]:
        return {**self._given, **dict(zip(self._objective.explained, explained, strict=True))}

    def _select(self, output: tf.Tensor) -> tf.Tensor:
        return self._selection(output)(output)

    def _selection(self, output: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns the function that selects the target `[rows]` from an output, or another in its shape."""
        selection, rank = self._objective.selection, len(output.shape)
        if selection == "weights":
            weights = tf.cast(self._selector[0], output.dtype)
            return lambda output: tf.reduce_sum(output * weights, list(range(1, rank)))
        if selection == "callable" or rank == 1:
            return lambda output: output
        (index,) = self._selector
        rows = tf.range(tf.cast(count_rows(output), index.dtype))
        positions = tf.concat([tf.expand_dims(rows, 1), index], 1)  # `batch_dims=1` would make 50 ops of it
        return lambda output: tf.gather_nd(output, positions)
