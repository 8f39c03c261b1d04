"""Selects the target before it is computed: the selection moves back through the ops that compute the output.

Of a last layer over positions, only the target's position is multiplied, with the target's column of the kernel. The
selection moves back from op to op, as long as each number of an op's output needs only some of its operands' numbers:
through element-wise ops, products, sums over axes, reshapes, transposes and slices. It stops at values that other ops
need as a whole; there the places are gathered.
"""

from collections.abc import Collection, Iterable, Sequence
import dataclasses
from typing import Any

import tensorflow as tf

from deepexplain_tf.graph.axes import PRODUCTS, VIEWS, Label
from deepexplain_tf.graph.ir import ARGUMENT, Node, Program, Value, rewrite
from deepexplain_tf.graph.kinds import SHAPE_ONLY
from deepexplain_tf.graph.passes.cut import cut
from deepexplain_tf.graph.passes.index_places import At, IndexPlaces, has_rows, matched, stem
from deepexplain_tf.graph.passes.invariants import invariants
from deepexplain_tf.graph.passes.selected_ops import ROWS, Demand, Plan, built
from deepexplain_tf.graph.sizes import ALL, NEW, ONE, Picked, Sizes, sliced

_WIDE = (tf.float32, tf.float64)  # products of these dtypes are not accumulated in a wider one


@dataclasses.dataclass(frozen=True)
class Selected:
    """A program that computes its target alone.

    Attributes:
      program: data and the inputs of the given program → the target, `[rows]`.
      data: values with a row for each example, which the program reads.
      of_index: the program index `[rows, axes]` → data.
    """

    program: Program
    data: tuple[Value, ...]
    of_index: Program


def select_first(program: Program, explained: Collection[Value]) -> Selected | None:
    """Returns the program of one number of the output, for each example; None where this saves no product.

    Args:
      program: a program of one output `[rows, ...]`, whose rows are the examples.
      explained: the explained inputs.
    """
    (output,) = program.outputs
    if not output.shape.rank or output.shape[0] == 1:  # an axis of length 1 could not be told from one row for all
        return None
    index = Node("index", ARGUMENT, (), (tf.TensorSpec([None, output.shape.rank - 1], tf.int32),)).output()
    selection = _Selection(program, explained, index)
    if not selection.products:
        return None
    return _split(Program((index, *program.inputs), (selection.target(),)), index)


def _split(program: Program, index: Value) -> Selected:
    """Takes out what the program computes from the index and from variables alone, such as columns of kernels."""
    fixed = invariants(program)
    of_index = {index}
    for node in program.nodes():
        known = all(value in fixed or value in of_index for value in node.inputs)
        if known and node.type not in SHAPE_ONLY and not of_index.isdisjoint(node.inputs):
            of_index.update(node.outputs())
    read = [value for node in program.nodes() if node.output() not in of_index for value in node.inputs]
    parts = list(dict.fromkeys(value for value in read if value in of_index and value.dtype.is_floating))
    arguments = {value: Node(f"{stem(value)}/row", ARGUMENT, (), (value.spec,)).output() for value in parts}
    data = (index, *arguments.values())
    return Selected(cut(program, arguments), data, Program((index,), (index, *parts)))


class _Selection:
    """The numbers that a target needs of each value, and the ops that compute them."""

    def __init__(self, program: Program, explained: Collection[Value], index: Value):
        (self._output,) = program.outputs
        self._nodes = program.nodes()
        self._sizes = Sizes(program, explained)
        self._places = IndexPlaces(index, self._output, self._sizes, invariants(program))
        self._plans: dict[tuple[Value, Demand], Plan] = {}
        self._demands: dict[Value, dict[Demand, None]] = {self._output: {self._places.of_output: None}}
        for node in reversed(self._nodes):
            for value in node.outputs():
                self._visit(value)
        self.products = [
            value for value, at in self._plans if value.node.type in PRODUCTS and self._places.is_part(at or ())
        ]

    def target(self) -> Value:
        """Returns the target, `[rows]`."""
        made: dict[tuple[Value, Demand], Value] = {}
        current: dict[Value, Value] = {}  # of values that are needed as a whole
        for value in (value for node in self._nodes for value in node.outputs()):
            for at in sorted(self._demands.get(value, ()), key=lambda at: at is not None):
                plan = self._plans.get((value, at))
                if plan is not None:
                    made[value, at] = built(value.node, plan, made)
                elif at is None:
                    made[value, at] = rewrite([value], lambda *_: None, current)[value]
                else:
                    made[value, at] = self._places.gather(made[value, None], at)
                if at is None:
                    current[value] = made[value, at]
        return made[self._output, self._places.of_output]

    def _demand(self, value: Value, at: Demand) -> None:
        whole = at is None or self._places.is_whole(at)
        self._demands.setdefault(value, {})[None if whole else at] = None
        if at is not None:
            self._demands[value][at] = None

    def _visit(self, value: Value) -> None:
        """Passes on the demands for a value, all of which are known by now."""
        demands = self._demands.get(value, {})
        partial = [at for at in demands if at is not None and not self._places.is_whole(at)]
        if None not in demands and len(partial) == 1 and self._planned(value, partial[0], partial[0]):
            return
        if not demands:
            return
        demands[None] = None
        if not self._planned(value, None, self._places.of_rows(value)):
            for operand in value.node.inputs:
                self._demand(operand, None)

    def _planned(self, value: Value, at: Demand, places: At | None) -> bool:
        """Plans how a value is computed at its places; returns False if it is not computed that way."""
        plan = None if places is None else self._plan(value.node, places)
        if plan is None or (at is None and not any(self._places.is_part(operand) for _, operand in plan.operands)):
            return False
        self._plans[value, at] = plan
        for operand, needed in plan.operands:
            self._demand(operand, needed)
            for origin in self._places.read_by(needed):
                self._demand(origin, None)
        return True

    def _plan(self, node: Node, at: At) -> Plan | None:
        if node.gradient is not None or len(node.specs) != 1:
            return None
        if node.type == "Reshape":
            return self._reshape(node, at)
        return self._slice(node, at) if node.type == "StridedSlice" else self._labelled(node, at)

    def _labelled(self, node: Node, at: At) -> Plan | None:
        """Plans an op whose axes have labels."""
        axes, sizes = self._sizes.axes(node), self._sizes.of(node.output())
        if axes is None or sizes is None or (node.type in PRODUCTS and node.output().dtype not in _WIDE):
            return None
        entries = dict(zip(axes.output, zip(at, sizes, strict=True), strict=True))
        if any(entries[label][0] is not None for label in axes.whole):
            return None
        operands, found = [], []
        for value, labels in zip(node.inputs, axes.operands, strict=False):
            places: list[Any] = []
            kept: list[Label] = []
            for label, size in zip(labels, self._sizes.of(value) or (), strict=True):
                entry, length = entries.get(label, (None, size))
                broadcast = size == ONE and length != ONE
                if size != length and not broadcast:
                    return None
                dropped = label not in entries if node.type in PRODUCTS | VIEWS else broadcast and entry is not None
                dropped = dropped or (broadcast and node.type in PRODUCTS)
                places.append(() if size == ONE and dropped else entry)
                if places[-1] is None:
                    kept.append(label)
            operands.append((value, tuple(places)))
            found.append([ROWS] * has_rows(tuple(places)) + kept)
        return Plan(operands, found, _wanted(axes.output, at))

    def _slice(self, node: Node, at: At) -> Plan | None:
        value = node.inputs[0]
        steps, sizes = sliced(node, self._sizes), self._sizes.of(value)
        if steps is None or sizes is None:
            return None
        places: list[Any] = []
        labels: list[Label] = []
        entries, lengths = iter(enumerate(at)), iter(sizes)
        for step in steps:
            label, entry = next(entries) if not isinstance(step, Picked) else (None, None)
            if step == NEW:
                continue
            size = next(lengths)
            places.append(entry if step == ALL else self._places.sliced(step, entry, size))
            if step == ALL and entry is None:
                labels.append(label)
            elif places[-1] is None and step != ALL:
                return None
        found = [ROWS] * has_rows(tuple(places)) + labels
        return Plan([(value, tuple(places))], [found], _wanted(range(len(at)), at))

    def _reshape(self, node: Node, at: At) -> Plan | None:
        value = node.inputs[0]
        before, after = self._sizes.of(value), self._sizes.of(node.output())
        groups = None if before is None or after is None else matched(before, after)
        if before is None or after is None or groups is None:
            return None
        places: list[Any] = [()] * len(before)
        labels: list[Label] = [ROWS] * has_rows(at)
        for inner, outer in groups:
            entries = [at[axis] for axis in outer]
            digits = [digit for entry in entries for digit in entry or ()]
            found: Sequence[Any] | None = [None] * len(inner)
            if None not in entries:
                found = self._places.regrouped(digits, [before[axis] for axis in inner])
            if found is None or (digits and None in entries):
                return None
            labels += [
                outer[0] if len(outer) == len(inner) == 1 else (outer[0], axis) for axis in inner if None in found
            ]
            for axis, entry in zip(inner, found, strict=True):
                places[axis] = entry
        plan = Plan([(value, tuple(places))], [labels], _wanted(range(len(at)), at))
        if all(isinstance(label, int | str) for label in labels):
            return plan
        sizes = [size.number for size, entry in zip(after, at, strict=True) if entry is None]
        return None if None in sizes else plan._replace(shape=[-1] * has_rows(at) + [size or 0 for size in sizes])


def _wanted(labels: Iterable[Label], at: At) -> list[Label]:
    return [ROWS] * has_rows(at) + [label for label, entry in zip(labels, at, strict=True) if entry is None]
