"""The explained function: from the explained tensors to one number, the target, for each example."""

import dataclasses
import functools
from typing import Any

import tensorflow as tf

from deepexplain_tf.errors import TargetError
from deepexplain_tf.graph.activity import active_loops, active_ops, analyse
from deepexplain_tf.graph.control_flow import has_trip_bound, known_trips
from deepexplain_tf.graph.dense import is_dense
from deepexplain_tf.graph.draws import find_draw
from deepexplain_tf.graph.emit import UNSUPPORTED, Op, unsupported_error
from deepexplain_tf.graph.footprint import footprint
from deepexplain_tf.graph.ir import ARGUMENT, Node, Program, Value, with_values
from deepexplain_tf.graph.masks import find_masks
from deepexplain_tf.graph.passes import (
    AffinePrefix,
    affine_prefix,
    choices,
    cut,
    fold,
    form_groups,
    form_layers,
    form_neurons,
    number_conditions,
    open_moments,
    precompute,
    see_through,
    select_first,
)
from deepexplain_tf.graph.read import argument
from deepexplain_tf.objective.chunks import size_for
from deepexplain_tf.objective.feature_maps import FeatureMaps, feature_maps, value_inside
from deepexplain_tf.rules.composites import Composite, refusal_error
from deepexplain_tf.rules.coverage import Coverage

_LEAST_DENSE = 1024  # bytes of activations per example; a smaller network is not worth compiling


@dataclasses.dataclass(frozen=True, eq=False)
class Objective:
    """The program from the explained tensors to the output, and how the target is selected from that output.

    Attributes:
      inputs: the model's inputs.
      explained: the explained inputs of `program`: the model's inputs, or a layer's output.
      program: the program explained tensors and model inputs → outputs; `Scope` selects the target from the outputs.
      prefix: the program model inputs → explained tensors, None where the inputs themselves are explained.
      batch: the batch size of the trace, None for an open batch.
      variables: the variables of the model.
      selection: `"index"` or `"weights"` into the output; or `"callable"` for a program that ends in the target.
      owner: the callable target, kept alive.
      data: the arrays of a callable target, as inputs of `program`; or what a program that selects first reads.
      of_index: the program index → data, where the program selects first (see `select_first`); else None.
      inside: the output of the layer that the method looks into, where it was marked in the trace; else none.
      draws: the key and the number of a random draw, where it draws by number; see `objective.redraw`.
      states: the handles of variables that seed draws and change from call to call.
    """

    inputs: tuple[Value, ...]
    explained: tuple[Value, ...]
    program: Program
    prefix: Program | None
    batch: int | None
    variables: tuple[tf.Variable, ...] = ()
    selection: str = "index"
    owner: Any = None
    data: tuple[Value, ...] = ()
    of_index: Program | None = None
    inside: tuple[Value, ...] = ()
    draws: tuple[Value, ...] = ()
    states: tuple[Value, ...] = ()

    @functools.cached_property
    def canonical(self) -> Program:
        """The program without users' own gradients (see `see_through`), with choices and groups (see `form_groups`)."""
        return form_groups(choices(see_through(self.program), self.explained), self.explained)

    @functools.cached_property
    def numbered(self) -> Program:
        """The canonical program, whose conditions are numbers (see `number_conditions`)."""
        return number_conditions(self.canonical, self.explained)

    @functools.cached_property
    def layered(self) -> Program:
        """The canonical program, with layers (see `form_layers`)."""
        return form_layers(self.canonical, self.explained)

    @functools.cached_property
    def differentiable(self) -> "Objective":
        """The objective with the same target and gradients, whose gradients have the right derivatives."""
        program, inside = with_values(open_moments, self.program, self.inside)
        return dataclasses.replace(self, program=program, inside=inside)

    @functools.cached_property
    def folded(self) -> "Objective":
        """The objective with the same target and gradients, whose scales and shifts are folded into layers."""
        rows = size_for(self.activation_bytes(1))
        return dataclasses.replace(self, program=precompute(fold(self.program, self.explained, rows)))

    @functools.cached_property
    def selected(self) -> "Objective":
        """The objective with the same target and gradients, which computes nothing that the target does not need."""
        found = select_first(self.program, self.explained) if self.selection == "index" else None
        if found is None:
            return self
        data, of_index = found.data, found.of_index
        return dataclasses.replace(self, program=found.program, selection="callable", data=data, of_index=of_index)

    @functools.cached_property
    def on_lines(self) -> "Objective":
        """The objective that is cheapest on straight lines: behind the affine prefix of the folded program."""
        return self.folded.after_prefix.selected

    @functools.cached_property
    def prefix_split(self) -> AffinePrefix | None:
        """The program split into its affine prefix and the rest; None where splitting does not pay."""
        split = affine_prefix(self.program, self.explained) if self.batch is None else None
        read = {value for node in split.suffix.nodes() for value in node.inputs} if split else set()
        # Behind the frontier only inputs can be given.
        return split if self.prefix is None or read.isdisjoint(self.explained) else None

    @functools.cached_property
    def after_prefix(self) -> "Objective":
        """The objective after the affine prefix, whose explained values are those at the frontier; else itself."""
        if self.prefix_split is None:
            return self
        split = self.prefix_split
        return dataclasses.replace(self, explained=split.frontier, program=split.suffix, prefix=None)

    @functools.cached_property
    def dense(self) -> bool:
        """Whether the program after the affine prefix has only dense layers, large enough to be worth compiling."""
        rest = self.on_lines
        return is_dense(rest.explained, rest.program.outputs) and rest.activation_bytes(1) >= _LEAST_DENSE

    def simplified(self, composite: Composite, *, straight: bool) -> "tuple[Objective, AffinePrefix | None]":
        """Returns the objective on which many gradients are cheapest, and the affine prefix before it, if any.

        Args:
          composite: the rules of the gradient; with any, the objective stays as it is.
          straight: whether all points lie on straight lines, so that the affine prefix is not evaluated at each.
        """
        if not composite.is_plain:
            return self, None
        return (self.on_lines, self.folded.prefix_split) if straight else (self.folded.selected, None)

    def activation_bytes(self, length: int) -> int:
        """Returns the bytes of activations of one example.

        Args:
          length: the size of open axes, and the number of iterations of loops; see `footprint`.
        """
        if length not in self._footprints:
            self._footprints[length] = footprint(self.explained, self.program.outputs, length)
        return self._footprints[length]

    def prefix_bytes(self, length: int) -> int:
        """Returns the bytes of activations of one example before the explained tensors; see `activation_bytes`."""
        return 0 if self.prefix is None else footprint(self.inputs, self.prefix.outputs, length)

    @functools.cached_property
    def _footprints(self) -> dict[int, int]:
        return {}

    @functools.cached_property
    def context(self) -> frozenset[Value]:
        """The inputs that the program reads in addition to the explained tensors."""
        read = {node.output() for node in self.program.nodes() if node.type == ARGUMENT}
        return frozenset(read.difference(self.explained))

    def program_for(self, composite: Composite) -> Program:
        """Returns the form of the program that the rules of a composite expect."""
        if composite.neurons:
            return self._with_neurons(composite.neurons, frozenset(composite.overrides))
        if composite.layered:
            return self.layered
        if composite.canonical and composite.twin:
            return self.numbered
        return self.canonical if composite.canonical else self.program

    def _with_neurons(self, *form: Any) -> Program:
        if form not in self._neurons:
            self._neurons[form] = form_neurons(self.numbered, self.explained, *form)
        return self._neurons[form]

    @functools.cached_property
    def _neurons(self) -> dict[Any, Program]:
        return {}

    def feature_maps(self, at: str | None) -> FeatureMaps:
        """Returns the output of a layer as feature maps; see `objective.feature_maps`.

        Args:
          at: the layer's name, by which a model with layers was marked; None for the layer of the last convolution.
        """
        return feature_maps(self.program, self.explained, self.inside, at)

    def value_inside(self, at: str) -> Value:
        """Returns the output of a layer between the explained tensors and the outputs; see `feature_maps`."""
        return value_inside(self.program, self.explained, self.inside, at)

    def behind(self, value: Value) -> "Objective":
        """Returns the objective behind a value, which it explains, for looking at its ops; a scope does not take it."""
        known = (argument(f"{value.node.name}/behind", value.spec),)
        return dataclasses.replace(self, explained=known, program=cut(self.program, {value: known[0]}), inside=())

    def coverage(self, composite: Composite) -> Coverage:
        """Returns the verdict of a composite on each active op."""
        active = active_ops(self.explained, self.program_for(composite).outputs)
        ops = tuple(Op(node, positions, {}) for node, positions in active)
        return Coverage(ops, tuple(map(composite.verdict, ops)), self.draw, tuple(map(composite.text, ops)))

    @functools.cached_property
    def draw(self) -> Node | None:
        """An op before the outputs that computes other numbers in another run, None if there is none."""
        outputs = self.program.outputs if self.prefix is None else (*self.prefix.outputs, *self.program.outputs)
        return find_draw({*self.inputs, *self.explained, *self.states}, outputs, self.draws)

    @functools.cached_property
    def masks(self) -> tuple[Value, ...]:
        """Truth values that compare what is explained with constants; ops on strings compare words, not examples."""
        return find_masks([value for value in self.explained if value.dtype != tf.string], self.program.outputs)

    @functools.cached_property
    def rounding_unit(self) -> float:
        """The coarsest rounding unit of a value in the program."""
        return self.program.rounding_unit()

    @functools.cached_property
    def loops(self) -> tuple[Node, ...]:
        """The loops on the way from the explained tensors to the target."""
        return tuple(active_loops(self.explained, self.program.outputs))

    @functools.cached_property
    def iterations(self) -> int:
        """The largest number of iterations of these loops that the graph tells by itself; 0 if it tells none."""
        return max((known_trips(node) or 0 for node in self.loops), default=0)

    @property
    def unbounded_loop(self) -> Node | None:
        """A loop on the way to the target whose number of iterations has no bound, None if there is none."""
        return next((node for node in self.loops if not has_trip_bound(node)), None)

    @property
    def string_input(self) -> Value | None:
        """An input of the model that holds strings, None if there is none."""
        return next((value for value in self.inputs if value.dtype == tf.string), None)

    @functools.cached_property
    def depends(self) -> list[bool]:
        """For each explained tensor, whether the target depends on this tensor."""
        dependents = [analyse([value], self.program.outputs).varying for value in self.explained]
        return [any(output in varying for output in self.program.outputs) for varying in dependents]

    def check_dependence(self) -> None:
        """Checks that the program can be emitted, and that the target depends on some explained tensor.

        Raises:
          TargetError: the target depends on no explained tensor.
          UnsupportedOpError: the program has an op that cannot be emitted again.
        """
        for node in analyse(self.explained, self.program.outputs).nodes:
            if node.type in UNSUPPORTED:
                raise unsupported_error(node)
        if not any(self.depends):
            raise TargetError(
                "the target must depend on an explained tensor. Got one that depends on none (a layer after the logit "
                'needs output="model").'
            )

    def check_rules(self, composite: Composite, strict: bool) -> tuple[str, ...]:
        """Checks that a composite covers the program; returns notes on ops that keep their plain gradient.

        Raises:
          TargetError: the target depends on no explained tensor through differentiable ops.
          UnsupportedOpError: an op has no gradient, or no rule where `strict` is set.
        """
        program = self.program_for(composite)
        derived = analyse(self.explained, program.outputs, dependence="derivatives").varying
        if not any(value in derived for value in program.outputs):
            kinds = ", ".join(sorted({value.dtype.name for value in self.explained}))
            raise TargetError(
                "the target must depend on an explained tensor through differentiable ops. Got one that depends "
                f"on none that way, {kinds}; where inputs are whole numbers (tokens), name the embedding with layer=."
            )
        coverage = self.coverage(composite)
        composite.check(coverage.ops)
        refused = coverage.refused()
        for op in refused:
            if strict or not op.has_gradient:
                raise refusal_error(op)
        notes = tuple(f"plain gradient at {op.name} ({op.type}), which has no rule" for op in refused)
        conventions = [f"{op.name} ({op.type})" for op, verdict in coverage if verdict == "convention"]
        if conventions:
            more = f" and {len(conventions) - 3} more" if len(conventions) > 3 else ""
            notes += (f"the split between the inputs of {', '.join(conventions[:3])}{more} is a convention",)
        return notes
