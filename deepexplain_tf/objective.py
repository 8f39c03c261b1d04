"""The function that is explained: from the explained tensors to one number for each example."""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
from typing import Any

import tensorflow as tf

from deepexplain_tf.chunks import size_for
from deepexplain_tf.errors import TargetError, UnsupportedOpError
from deepexplain_tf.graph.activity import active_loops, active_ops, analyse, counts_rows, folds_rows
from deepexplain_tf.graph.control_flow import has_trip_bound
from deepexplain_tf.graph.dense import is_dense
from deepexplain_tf.graph.emit import UNSUPPORTED, Op, emit, emit_twin, emit_with_rules, unsupported
from deepexplain_tf.graph.footprint import footprint
from deepexplain_tf.graph.ir import ARGUMENT, Node, Program, Value
from deepexplain_tf.graph.passes import (
    AffinePrefix,
    affine_prefix,
    fold,
    form_groups,
    last_product,
    precompute,
    ready_made,
    see_through,
)
from deepexplain_tf.graph.twin import Twin
from deepexplain_tf.rules.composites import Composite, refusal
from deepexplain_tf.rules.coverage import Coverage

_LEAST_DENSE = 1024  # bytes of activations of an example: a smaller network is not worth compiling


@dataclasses.dataclass(frozen=True, eq=False)
class Objective:
    """A program cut at what is explained.

    Attributes:
      inputs: the model's inputs.
      explained: the inputs of `program` that are explained: the model's own, or a layer's output.
      program: explained tensors and model inputs → outputs; the last step to the target is `select`.
      prefix: model inputs → explained tensors, None where the inputs themselves are explained.
      batch: the batch size of the trace, None where it is open.
      selection: `"index"`, `"weights"`, `"callable"` where the program ends in the target already, or `"unit"` where
        it ends in the parts of a last dense layer, of which the target is one unit.
      owner: the callable target, kept alive.
    """

    inputs: tuple[Value, ...]
    explained: tuple[Value, ...]
    program: Program
    prefix: Program | None
    batch: int | None
    selection: str = "index"
    owner: Any = None

    @functools.cached_property
    def canonical(self) -> Program:
        """The program seen through users' own gradients, with its canonical groups."""
        return form_groups(see_through(self.program), self.explained)

    @functools.cached_property
    def lean(self) -> "Objective":
        """The objective of the same target and gradients, whose program has less to do.

        Scales and shifts are folded into layers, and a last dense layer need not give the units that are not asked for.
        """
        rows = size_for(self.activation_bytes(1))
        program = precompute(fold(self.program, self.explained, rows))
        parts = last_product(program) if self.selection == "index" else None
        if parts is None:
            return dataclasses.replace(self, program=program)
        return dataclasses.replace(self, program=parts, selection="unit")

    @functools.cached_property
    def affine(self) -> AffinePrefix | None:
        """The affine part of the program and the rest, None where it is not cut off."""
        return affine_prefix(self.program, self.explained) if self.batch is None else None

    @functools.cached_property
    def behind(self) -> "Objective":
        """The objective of the rest behind the affine part, whose explained values are those at its frontier."""
        if self.affine is None:
            return self
        return dataclasses.replace(self, explained=self.affine.frontier, program=self.affine.suffix, prefix=None)

    @functools.cached_property
    def dense(self) -> bool:
        """Whether the rest behind the affine part is nothing but dense layers, of some size."""
        rest = self.lean.behind
        return is_dense(rest.explained, rest.program.outputs) and rest.activation_bytes(1) >= _LEAST_DENSE

    def simplified(self, composite: Composite, *, straight: bool) -> "tuple[Objective, AffinePrefix | None]":
        """Returns the objective where a gradient is cheapest to take many times, and what lies before it.

        Under rules nothing is changed.

        Args:
          composite: the rules of the gradient.
          straight: whether all points lie on straight lines, so that the affine part need not be evaluated there.
        """
        if not composite.is_plain:
            return self, None
        return (self.lean.behind, self.lean.affine) if straight else (self.lean, None)

    def activation_bytes(self, length: int) -> int:
        """Returns the bytes of the activations of one example; see `footprint`."""
        if length not in self._footprints:
            self._footprints[length] = footprint(self.explained, self.program.outputs, length)
        return self._footprints[length]

    @functools.cached_property
    def _footprints(self) -> dict[int, int]:
        return {}

    @functools.cached_property
    def context(self) -> frozenset[Value]:
        """The inputs that the program reads beside the explained ones."""
        read = {node.output() for node in self.program.nodes() if node.type == ARGUMENT}
        return frozenset(read.difference(self.explained))

    def program_for(self, composite: Composite) -> Program:
        """Returns the form of the program that a composite's rules are made for."""
        return self.canonical if composite.canonical else self.program

    def coverage(self, composite: Composite) -> Coverage:
        """Returns what a composite does at each active op."""
        found = active_ops(self.explained, self.program_for(composite).outputs)
        ops = tuple(Op(node, positions, {}) for node, positions in found)
        return Coverage(ops, tuple(composite.verdict(op) for op in ops))

    @functools.cached_property
    def loops(self) -> tuple[Node, ...]:
        """The loops on the way to the target."""
        return tuple(active_loops(self.explained, self.program.outputs))

    @property
    def unbounded_loop(self) -> Node | None:
        """A loop on the way to the target that may turn any number of times, None where there is none."""
        return next((node for node in self.loops if not has_trip_bound(node)), None)

    @functools.cached_property
    def depends(self) -> list[bool]:
        """For each explained tensor, whether the target depends on it."""
        reached = [analyse([value], self.program.outputs).varying for value in self.explained]
        return [any(output in varying for output in self.program.outputs) for varying in reached]

    def require_dependence(self) -> None:
        """Checks that the program can be emitted and that the target depends on the explained tensors at all.

        Raises:
          TargetError: the target depends on none of them.
          UnsupportedOpError: the program has an op that cannot be emitted again.
        """
        activity = analyse(self.explained, self.program.outputs)
        for node in activity.nodes:
            if node.type in UNSUPPORTED:
                raise unsupported(node)
        if not any(self.depends):
            raise TargetError(
                "the target must depend on an explained tensor. Got one that depends on none (a layer behind the logit "
                'is reached with output="model").'
            )

    def require(self, composite: Composite, strict: bool) -> tuple[str, ...]:
        """Checks that a composite covers the program; returns notes on ops that pass by plain gradient.

        Raises:
          TargetError: the target depends on none of the explained tensors.
          UnsupportedOpError: an op has no gradient, or no rule where `strict` is set.
        """
        self.require_dependence()
        program = self.program_for(composite)
        derived = analyse(self.explained, program.outputs, how="derivatives").varying
        if not any(value in derived for value in program.outputs):
            kinds = ", ".join(sorted({value.dtype.name for value in self.explained}))
            raise TargetError(
                "the target must depend on an explained tensor through differentiable ops. Got one that depends "
                f"on none that way, {kinds}; where inputs are whole numbers (tokens), name the embedding with layer=."
            )
        refused = self.coverage(composite).refused()
        for op in refused:
            if strict or not op.has_gradient:
                raise refusal(op)
        return tuple(f"plain gradient at {op.name} ({op.type}), which has no rule" for op in refused)


class Scope:
    """An objective inside the graph being built, for the examples of one batch.

    Methods ask it for values, gradients and multipliers; each call emits the program once.
    """

    def __init__(
        self,
        objective: Objective,
        inputs: Sequence[tf.Tensor],
        selector: Sequence[tf.Tensor] = (),
        fixed: Mapping[Value, tf.Tensor] | None = None,
    ):
        """Makes the scope of some examples.

        Args:
          objective: what is explained.
          inputs: the model's inputs, `[batch, ...]` each.
          selector: the target's data, `[batch, ...]` each: an index or weights; of a unit its column and its bias.
          fixed: what is known already of the values inside the program that are the same for all examples.
        """
        self._objective = objective
        self._inputs = inputs
        self._selector = selector
        self._fixed = fixed or {}
        self._given = {**dict(zip(objective.inputs, inputs, strict=True)), **self._fixed}

    @functools.cached_property
    def explained(self) -> list[tf.Tensor]:
        """The explained tensors at the input, `[batch, ...]` each."""
        prefix = self._objective.prefix
        if prefix is None:
            return [self._given[value] for value in self._objective.explained]
        return emit(prefix, self._given)

    @property
    def size(self) -> tf.Tensor:
        """How many examples there are."""
        return tf.shape(self._inputs[0])[0]

    @property
    def dtype(self) -> tf.DType:
        """The dtype of the target."""
        return self._objective.program.outputs[0].dtype

    def spread(self, baseline: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns baselines broadcast to one per example, in the shape of the explained tensors."""
        return [_broadcast(b, tf.shape(x), x) for b, x in zip(baseline, self.explained, strict=True)]

    def starts(self, baseline: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns baselines in the shape of the explained tensors: one per example, or one where all are shared."""
        rows = tf.reduce_max([tf.shape(b)[0] for b in baseline])
        return [
            _broadcast(b, tf.concat([[rows], tf.shape(x)[1:]], 0), x)
            for b, x in zip(baseline, self.explained, strict=True)
        ]

    def rows(self, index: tf.Tensor) -> "Scope":
        """Returns the scope of the examples `index`, which may repeat; the explained tensors are then given anew."""
        objective = self._objective
        inputs = [
            tf.gather(tensor, index) if value in objective.context else tensor
            for value, tensor in zip(objective.inputs, self._inputs, strict=True)
        ]
        return Scope(objective, inputs, [tf.gather(tensor, index) for tensor in self._selector], self._fixed)

    def simplified(self, composite: Composite, *, straight: bool) -> "tuple[Scope, AffinePrefix | None]":
        """Returns the scope where a gradient is cheapest to take many times, and what lies before it.

        What is the same for all examples is computed here, once. See `Objective.simplified`.
        """
        objective, prefix = self._objective.simplified(composite, straight=straight)
        values = ready_made(objective.program)
        fixed = dict(zip(values, emit(Program((), tuple(values)), {}), strict=True))
        selector = self._selector
        if objective.selection == "unit":
            (index,), units = selector, emit(Program((), objective.program.outputs[1:]), fixed)
            selector = [tf.transpose(tf.gather(tensor, index[:, 0], axis=-1)) for tensor in units]
        return Scope(objective, self._inputs, selector, fixed), prefix

    def output(self, explained: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the model's output, before the target is taken from it."""
        return emit(self._objective.program, self._bind(explained))[0]

    def value(self, explained: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the target `[rows]` at given values of the explained tensors."""
        return self._select(emit(self._objective.program, self._bind(explained)))

    def replaced(
        self, explained: Sequence[tf.Tensor], composite: Composite, baseline: Sequence[tf.Tensor] = ()
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns the program's outputs, whose gradient is a composite's, and those at the baseline.

        Args:
          explained: the explained tensors.
          composite: the rules.
          baseline: `[1 or rows, ...]` each, for twin-valued rules. One that all examples share is computed
            once where nothing else carries the batch; then the second outputs have one row.
        """
        objective = self._objective
        program = objective.program_for(composite)
        if not composite.twin:
            return emit_with_rules(program, self._bind(explained), objective.explained, composite.single_rule), []
        shareable = (
            objective.prefix is None
            and objective.batch is None
            and not counts_rows(objective.explained, program)
            and not folds_rows(objective.explained, program)
        )
        twins = {}
        for value, x, start in zip(objective.explained, explained, baseline, strict=True):
            rows = tf.shape(start if shareable else x)[:1]
            twins[value] = Twin(x, _broadcast(start, tf.concat([rows, tf.shape(x)[1:]], 0), x))
        outputs = emit_twin(program, self._given, twins, composite.twin_rule)
        return [twin.x for twin in outputs], [twin.baseline for twin in outputs]

    def gradient(
        self, explained: Sequence[tf.Tensor], composite: Composite, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the target `[rows]` and its gradient, with a composite's single-valued rules.

        Args:
          explained: the explained tensors.
          composite: the rules.
          weights: `[rows]`, what the gradient of each target is multiplied by on its way; None for nothing.
        """
        points = [tf.identity(tensor) for tensor in explained]
        outputs, _ = self.replaced(points, composite)
        target = self._select(outputs)
        return target, _gradients(target, points, weights)

    def multipliers(
        self, explained: Sequence[tf.Tensor], baseline: Sequence[tf.Tensor], composite: Composite
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Returns the target at the input and at the baseline, and the multipliers of twin-valued rules."""
        points = [tf.identity(tensor) for tensor in explained]
        outputs, at_baseline = self.replaced(points, composite, baseline)
        target = self._select(outputs)
        rows = tf.shape(target)[0]
        return (
            target,
            self._select([_repeat(tensor, rows) for tensor in at_baseline]),
            _gradients(target, points),
        )

    def _bind(self, explained: Sequence[tf.Tensor]) -> Mapping[Value, tf.Tensor]:
        return {**self._given, **dict(zip(self._objective.explained, explained, strict=True))}

    def _select(self, outputs: Sequence[tf.Tensor]) -> tf.Tensor:
        output, selection = outputs[0], self._objective.selection
        if selection == "callable":
            return output
        if selection == "unit":
            column, *bias = self._selector
            return tf.add_n([tf.reduce_sum(output * column, 1), *bias])
        (selector,) = self._selector or (None,)
        if selection == "weights":
            axes = list(range(1, len(output.shape)))
            return tf.reduce_sum(output * tf.cast(selector, output.dtype), axes)
        return output if len(output.shape) == 1 else tf.gather_nd(output, selector, batch_dims=1)


def _gradients(target: tf.Tensor, points: Sequence[tf.Tensor], weights: tf.Tensor | None = None) -> list[tf.Tensor]:
    upstream = None if weights is None else tf.cast(weights, target.dtype)
    try:
        return list(tf.gradients(target, list(points), upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO))
    except LookupError as error:
        raise UnsupportedOpError(f"every op on the way to the target needs a gradient. Got: {error}") from error


def _broadcast(baseline: tf.Tensor, shape: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    spread = tf.broadcast_to(baseline, shape)
    spread.set_shape([None, *like.shape[1:]])
    return spread


def _repeat(tensor: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    return tf.broadcast_to(tensor, tf.concat([[rows], tf.shape(tensor)[1:]], 0))
