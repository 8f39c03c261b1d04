"""Cuts off the affine part of a program, up to its first nonlinearities.

An affine function maps the straight path from baseline to input to a straight path. It need only be evaluated at the
two ends, and its transpose applied once, to the gradient accumulated behind it.
"""

from collections.abc import Collection, Mapping, Sequence
import dataclasses
import math

import tensorflow as tf

from deepexplain_tf.graph.activity import Activity, analyse, may_change_rows
from deepexplain_tf.graph.ir import ARGUMENT, Node, Program, Value, constant, length_of, new_op, rewrite
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS, WEIGHTED, Kind, kind_of
from deepexplain_tf.graph.passes.invariants import invariants
from deepexplain_tf.graph.sizes import BATCH, EXAMPLES, ONE, Size, Sizes, product

# How many times as many numbers the frontier may have as the explained values: each step of a path interpolates the
# frontier and accumulates its gradient.
_LARGEST_GROWTH = 8
_LENGTH = 64  # assumed for open axes


@dataclasses.dataclass(frozen=True)
class AffinePrefix:
    """A program split in two: an affine prefix and the rest, its suffix.

    Attributes:
      prefix: explained values → the values at the frontier.
      frontier: the inputs of the suffix that stand for the values at the frontier.
      suffix: frontier and the program's inputs → outputs; it reads only shapes of the explained values, and none
        that an axis of the frontier has.
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
    rows = _Rows(activity, explained, Sizes(program, explained))
    affine = [node for node in _affine(program, activity, explained) if node.output() in rows.copies]
    while True:
        frontier = _frontier(program, activity, explained, affine)
        ends = [value for value in frontier if value not in explained]
        removed = {value.node for value in ends if not rows.is_batch(value)}
        removed.update(value.node for value in ends if _is_beside(value.node, frontier, activity))
        if not removed:
            break
        affine = _without(affine, removed, activity)
    if not affine or any(value.shape.rank is None for value in explained) or not _pays(affine, frontier, explained):
        return None
    return _cut(program, explained, frontier, affine, rows)


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


class _Rows:
    """How many rows values have for each example.

    Attributes:
      copies: the rows of values for each example, where known; more than 1 if an axis is merged into the batch.
    """

    def __init__(self, activity: Activity, explained: Sequence[Value], sizes: Sizes):
        self.sizes = sizes
        self.copies = dict.fromkeys(explained, ONE)
        for node in activity.nodes:
            counts = {self.copies.get(node.inputs[position]) for position in activity.inputs(node)}
            if len(counts) != 1 or None in counts:
                continue
            (count,) = counts
            if node.type == "Reshape" and count is not None:
                before, after = self.size(node.inputs[0]), self.size(node.output())
                count = count * before / after if before and after and after.factor else None
            elif may_change_rows(node):
                count = None
            if count is not None:
                self.copies.update(dict.fromkeys(node.outputs(), count))

    def size(self, value: Value) -> Size | None:
        """Returns how many numbers a row has, None if the first axis is not known to have the rows of the examples."""
        sizes = self.sizes.of(value)
        if not sizes or value.shape[0] is not None:
            return None
        if None in value.shape[1:] and not (sizes[0].has(BATCH) and not any(size.has(BATCH) for size in sizes[1:])):
            return None
        return product(sizes[1:])

    def shape(self, value: Value) -> list[Size]:
        """Returns the sizes of a value's axes."""
        first, *rest = self.sizes.of(value) or ()
        return [EXAMPLES if self.is_batch(value) else first, *rest]

    def is_batch(self, value: Value) -> bool:
        """Whether a value has one row, not empty, for each example."""
        size = self.size(value)
        return self.copies.get(value) == ONE and size is not None and size.factor > 0


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
    before, after = (sum(map(_numbers, values)) for values in (explained, frontier))
    return after / max(before, 1) <= (_LARGEST_GROWTH if any(node.type in WEIGHTED for node in affine) else 1)


def _numbers(value: Value) -> int:
    """Returns about how many numbers a row has."""
    return math.prod(_LENGTH if length is None else length for length in value.shape[1:])


def _cut(
    program: Program, explained: Sequence[Value], frontier: Sequence[Value], affine: Sequence[Node], rows: _Rows
) -> AffinePrefix:
    arguments = {
        value: Node(f"frontier_{number}", ARGUMENT, (), (value.spec,)).output() for number, value in enumerate(frontier)
    }
    lengths = {
        size: (arguments[value], axis) for value in frontier for axis, size in enumerate(rows.sizes.of(value) or ())
    }
    lengths[EXAMPLES] = next(iter(arguments.values())), 0
    before = {*explained, *(value for node in affine for value in node.outputs())}

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.type == "Shape" and node.inputs[0] in before:
            sizes = rows.shape(node.inputs[0])
            if all(size.number is not None or size in lengths for size in sizes):
                return [_shape(node, sizes, lengths)]
        if any(value in arguments for value in node.outputs()):
            return [arguments.get(value, value) for value in node.outputs()]
        return None

    given = {value: arguments.get(value, value) for value in explained}
    current = rewrite(program.outputs, transform, given)
    suffix = Program((*arguments.values(), *program.inputs), tuple(current[value] for value in program.outputs))
    return AffinePrefix(Program(tuple(explained), tuple(frontier)), tuple(arguments.values()), suffix, tuple(affine))


def _shape(node: Node, sizes: Sequence[Size], lengths: Mapping[Size, tuple[Value, int]]) -> Value:
    """Returns a shape without reading the value that has it: of numbers, and of the lengths of other values' axes."""
    dtype = node.output().dtype
    parts: list[Value] = []
    for size in sizes:
        if size.number is not None:
            parts.append(constant(f"{node.name}/length", [size.number], dtype))
            continue
        parts.append(length_of(*lengths[size], dtype))
    if len(parts) == 1:
        return parts[0]
    attrs = {"T": dtype, "Tidx": tf.int32, "N": len(parts)}
    return new_op(
        node.name, "ConcatV2", (*parts, constant(f"{node.name}/axis", 0, tf.int32)), node.output().spec, attrs
    )
