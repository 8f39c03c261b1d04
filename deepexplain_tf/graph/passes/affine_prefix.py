"""Cuts off the affine part of a program, up to its first nonlinearities.

An affine function maps the straight path from baseline to input to a straight path. It need only be evaluated at the
two ends, and its transpose applied once, to the gradient accumulated behind it.
"""

from collections.abc import Collection, Mapping, Sequence
import dataclasses
import fractions
import math

import tensorflow as tf

from deepexplain_tf.graph.activity import Activity, analyse, may_change_rows
from deepexplain_tf.graph.ir import ARGUMENT, Node, Program, Value, constant, new_op, rewrite
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS, WEIGHTED, Kind, kind_of
from deepexplain_tf.graph.passes.invariants import invariants

# How many times as many numbers the frontier may have as the explained values: each step of a path interpolates the
# frontier and accumulates its gradient.
_LARGEST_GROWTH = 8


@dataclasses.dataclass(frozen=True)
class AffinePrefix:
    """A program split in two: an affine prefix and the rest, its suffix.

    Attributes:
      prefix: explained values → the values at the frontier.
      frontier: the inputs of the suffix that stand for the values at the frontier.
      suffix: frontier and the program's inputs → outputs; it reads only shapes of the explained values.
      ops: the active ops of the prefix.
    """

    prefix: Program
    frontier: tuple[Value, ...]
    suffix: Program
    ops: tuple[Node, ...]

    def feed(self, explained: Sequence[tf.Tensor]) -> dict[Value, tf.Tensor]:
        """Returns the inputs of the prefix with their tensors."""
        return dict(zip(self.prefix.inputs, explained, strict=True))


def affine_prefix(program: Program, explained: Sequence[Value]) -> AffinePrefix | None:
    """Splits a program behind its affine part; returns None if it has none or the split does not pay.

    Args:
      program: any program whose batch is open.
      explained: the explained inputs.
    """
    activity = analyse(explained, program.outputs)
    copies = _copies(activity, explained)
    affine = [node for node in _affine(program, activity, explained) if node.output() in copies]
    while True:
        frontier = _frontier(program, activity, explained, affine)
        ends = [value for value in frontier if value not in explained]
        removed = {value.node for value in ends if not _is_batch(value, copies)}
        removed.update(value.node for value in ends if _is_beside(value.node, frontier, activity))
        if not removed:
            break
        affine = _without(affine, removed, activity)
    if not affine or not _pays(affine, frontier, explained):
        return None
    batches = {value for value in copies if _is_batch(value, copies)}
    return _cut(program, explained, frontier, affine, batches)


def _affine(program: Program, activity: Activity, explained: Sequence[Value]) -> list[Node]:
    """Returns the active ops that are affine in the explained values, in topological order."""
    computable = _own(program, explained)
    reached = set(explained)
    affine = []
    for node in activity.nodes:
        active = activity.inputs(node)
        if not active or node.type in LOOPS | BRANCHES or node.gradient is not None:
            continue
        if kind_of(node, active) is not Kind.LINEAR or not all(value in computable for value in node.inputs):
            continue
        if all(node.inputs[position] in reached for position in active) and _is_real(node):
            reached.update(node.outputs())
            affine.append(node)
    return affine


def _own(program: Program, explained: Sequence[Value]) -> set[Value]:
    """Returns the values that are computed from explained values, variables and constants alone."""
    computable = {*invariants(program), *explained}
    for node in program.nodes():
        if node.type != ARGUMENT and all(value in computable for value in node.inputs):
            computable.update(node.outputs())
    return computable


def _is_real(node: Node) -> bool:
    return all(value.dtype.is_floating for value in node.outputs())


def _copies(activity: Activity, explained: Sequence[Value]) -> dict[Value, fractions.Fraction]:
    """Returns each value's rows per example where known; more than 1 if an axis is merged into the batch."""
    copies = {value: fractions.Fraction(1) for value in explained}
    for node in activity.nodes:
        rows = {copies.get(node.inputs[position]) for position in activity.inputs(node)}
        if len(rows) != 1 or None in rows:
            continue
        (count,) = rows
        if node.type == "Reshape":
            before, after = _size(node.inputs[0]), _size(node.output())
            count = count * before / after if before and after and count else None
        elif may_change_rows(node):
            count = None
        if count is not None:
            copies.update(dict.fromkeys(node.outputs(), count))
    return copies


def _size(value: Value) -> int | None:
    """Returns how many numbers a row has, None unless the batch is the only open axis."""
    shape = value.shape
    if not shape.rank or shape[0] is not None or None in shape[1:]:
        return None
    return math.prod(shape[1:])


def _is_batch(value: Value, copies: Mapping[Value, fractions.Fraction]) -> bool:
    """Whether a value has one row, of known size, for each example."""
    return copies.get(value) == 1 and bool(_size(value))


def _frontier(
    program: Program, activity: Activity, explained: Sequence[Value], affine: Collection[Node]
) -> list[Value]:
    """Returns the values of the affine part that are outputs, or whose numbers other ops read."""
    inside = {*explained, *(value for node in affine for value in node.outputs())}
    members = set(affine)
    others = [node for node in activity.nodes if node not in members]
    read = [node.inputs[position] for node in others for position in activity.inputs(node) if _reads(node, activity)]
    return list(dict.fromkeys(value for value in (*read, *program.outputs) if value in inside))


def _reads(node: Node, activity: Activity) -> bool:
    """Whether an op reads the numbers of its varying inputs, not only their shapes."""
    return any(value in activity.varying for value in node.outputs())


def _is_beside(node: Node, frontier: Collection[Value], activity: Activity) -> bool:
    """Whether an op is cheap and reads frontier values only, so that the suffix can compute it as well."""
    read = [node.inputs[position] for position in activity.inputs(node)]
    return node.type not in WEIGHTED and all(value in frontier for value in read)


def _without(affine: Sequence[Node], removed: Collection[Node], activity: Activity) -> list[Node]:
    """Returns the affine part without the `removed` ops and all ops that depend on them."""
    gone = {value for node in removed for value in node.outputs()}
    kept = []
    for node in affine:
        if node in removed or any(node.inputs[position] in gone for position in activity.inputs(node)):
            gone.update(node.outputs())
        else:
            kept.append(node)
    return kept


def _pays(affine: Sequence[Node], frontier: Sequence[Value], explained: Sequence[Value]) -> bool:
    before, after = ([_size(value) for value in values] for values in (explained, frontier))
    if None in before or None in after:
        return False
    growth = sum(size or 0 for size in after) / max(sum(size or 0 for size in before), 1)
    return growth <= (_LARGEST_GROWTH if any(node.type in WEIGHTED for node in affine) else 1)


def _cut(
    program: Program,
    explained: Sequence[Value],
    frontier: Sequence[Value],
    affine: Sequence[Node],
    batches: Collection[Value],
) -> AffinePrefix:
    arguments = {
        value: Node(f"frontier_{number}", ARGUMENT, (), (value.spec,)).output() for number, value in enumerate(frontier)
    }
    shaped = {*explained, *(value for node in affine for value in node.outputs())}.intersection(batches)

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.type == "Shape" and node.inputs[0] in shaped:
            return [_shape(node, next(iter(arguments.values())), node.inputs[0].shape[1:].as_list())]
        if any(value in arguments for value in node.outputs()):
            return [arguments.get(value, value) for value in node.outputs()]
        return None

    known = {value: arguments.get(value, value) for value in explained}
    current = rewrite(program.outputs, transform, known)
    suffix = Program((*arguments.values(), *program.inputs), tuple(current[value] for value in program.outputs))
    return AffinePrefix(Program(tuple(explained), tuple(frontier)), tuple(arguments.values()), suffix, tuple(affine))


def _shape(node: Node, rows_of: Value, rest: list[int]) -> Value:
    """Returns a shape without reading the value that has it: as many rows as `rows_of`, then the axes `rest`."""
    dtype = node.output().dtype
    types = {"T": rows_of.dtype, "out_type": dtype}
    whole = new_op(f"{node.name}/of", "Shape", (rows_of,), tf.TensorSpec([rows_of.shape.rank], dtype), types)
    first = [constant(f"{node.name}/{key}", value, tf.int32) for key, value in (("begin", [0]), ("size", [1]))]
    types = {"T": dtype, "Index": tf.int32}
    rows = new_op(f"{node.name}/rows", "Slice", (whole, *first), tf.TensorSpec([1], dtype), types)
    parts = (rows, constant(f"{node.name}/rest", rest, dtype), constant(f"{node.name}/axis", 0, tf.int32))
    attrs = {"T": dtype, "Tidx": tf.int32, "N": 2}
    return new_op(node.name, "ConcatV2", parts, node.output().spec, attrs)
