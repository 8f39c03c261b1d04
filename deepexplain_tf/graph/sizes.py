"""Finds the sizes of axes that a trace leaves open, in terms of one another."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
import dataclasses
import fractions
import functools
from typing import Any, TypeAlias

import tensorflow as tf

from deepexplain_tf.graph.axes import Axes, axes_of
from deepexplain_tf.graph.ir import ARGUMENT, Node, Program, Value

BATCH = "batch"  # the axis of the examples
Axis: TypeAlias = Any  # BATCH, or a value and the number of its axis


@dataclasses.dataclass(frozen=True)
class Size:
    """A number times sizes of open axes.

    Attributes:
      factor: the number.
      powers: the open axes with their powers.
    """

    factor: fractions.Fraction
    powers: frozenset[tuple[Axis, int]] = frozenset()

    def __mul__(self, other: "Size") -> "Size":
        powers = Counter(dict(self.powers))
        powers.update(dict(other.powers))
        return Size(self.factor * other.factor, frozenset((axis, power) for axis, power in powers.items() if power))

    def __truediv__(self, other: "Size") -> "Size":
        inverse = frozenset((axis, -power) for axis, power in other.powers)
        return self * Size(1 / other.factor, inverse)

    @property
    def number(self) -> int | None:
        """The size where it is a known whole number, else None."""
        return None if self.powers or self.factor.denominator != 1 else int(self.factor)

    def has(self, axis: Axis) -> bool:
        """Whether the size depends on that of an open axis."""
        return axis in dict(self.powers)


def known(number: int) -> Size:
    """Returns the size that is a number."""
    return Size(fractions.Fraction(number))


def open_axis(axis: Axis) -> Size:
    """Returns the size of an open axis."""
    return Size(fractions.Fraction(1), frozenset([(axis, 1)]))


ONE = known(1)
EXAMPLES = open_axis(BATCH)


def product(sizes: Collection[Size]) -> Size:
    """Returns the product of sizes."""
    return functools.reduce(Size.__mul__, sizes, ONE)


class Sizes:
    """The sizes of all axes of a program's values, and the numbers that it computes from sizes."""

    def __init__(self, program: Program, explained: Collection[Value]):
        """Finds them.

        Args:
          program: the program.
          explained: the explained values; like those of the inputs, their first axis is that of the examples.
        """
        self._first = {*program.inputs, *explained}
        self._shapes: dict[Value, tuple[Size, ...] | None] = {}
        self._numbers: dict[Value, tuple[Size, ...]] = {}
        for node in program.nodes():
            shape = self._inferred(node)
            for value in node.outputs():
                self._shapes[value] = self._completed(value, shape if value.position == 0 else None)
            numbers = self._computed(node) if _may_count(node) else None
            if numbers is not None:
                self._numbers[node.output()] = numbers

    def of(self, value: Value) -> tuple[Size, ...] | None:
        """Returns the sizes of a value's axes, None where their number is unknown."""
        return self._shapes[value]

    def numbers(self, value: Value) -> tuple[Size, ...] | None:
        """Returns the numbers in a vector or scalar of whole numbers, None where they are unknown."""
        return self._numbers.get(value)

    def static(self, value: Value) -> list[int] | None:
        """Returns the same where they are the same for all inputs."""
        numbers = [size.number for size in self._numbers.get(value, ())]
        return None if value not in self._numbers or None in numbers else [number or 0 for number in numbers]

    def axes(self, node: Node) -> Axes | None:
        """Returns the axes of an op; see `axes_of`."""
        return axes_of(node, self.static)

    def _completed(self, value: Value, inferred: Sequence[Size | None] | None) -> tuple[Size, ...] | None:
        """Returns the sizes that the trace knows, else those inferred, else open axes of their own."""
        if value.shape.rank is None:
            return None
        first = value.node.type == ARGUMENT and value in self._first
        found = inferred if inferred is not None and len(inferred) == value.shape.rank else [None] * value.shape.rank
        sizes = []
        for axis, (length, size) in enumerate(zip(value.shape.as_list(), found, strict=True)):
            own = EXAMPLES if first and axis == 0 else open_axis((value, axis))
            sizes.append(known(length) if length is not None else size or own)
        return tuple(sizes)

    def _inferred(self, node: Node) -> Sequence[Size | None] | None:
        if node.type == "Reshape":
            return self._reshaped(node)
        if node.type == "StridedSlice":
            return self._sliced(node)
        if node.type.startswith("Conv") and len(node.inputs) == 2 and node.output().shape.rank:
            shape = self._shapes[node.inputs[0]]
            if self.axes(node) is None:
                return None if shape is None else [shape[0], *[None] * (node.output().shape.rank - 1)]
        axes = self.axes(node)
        if axes is None:
            return None
        sizes: dict[Any, set[Size]] = {}
        for value, labels in zip(node.inputs, axes.operands, strict=False):
            for label, size in zip(labels, self._shapes[value] or (), strict=True):
                sizes.setdefault(label, set()).add(size)
        larger = [sizes.get(label, {ONE}) - {ONE} or {ONE} for label in axes.output]
        return [next(iter(found)) if len(found) == 1 else None for found in larger]

    def _reshaped(self, node: Node) -> Sequence[Size | None] | None:
        """Returns the sizes that a Reshape asks for, where -1 stands for what is left."""
        before, after = self._shapes[node.inputs[0]], self._numbers.get(node.inputs[1])
        shape = node.output().shape
        if after is None and shape.rank is not None and shape.as_list().count(None) == 1:
            after = tuple(known(-1 if length is None else length) for length in shape)
        if after is None or known(-1) not in after:
            return after
        if before is None or after.count(known(-1)) > 1 or known(0) in after:
            return None
        left = product(before) / product([size for size in after if size != known(-1)])
        return [left if size == known(-1) else size for size in after]

    def _sliced(self, node: Node) -> Sequence[Size | None] | None:
        shape, steps = self._shapes[node.inputs[0]], sliced(node, self)
        if shape is None or steps is None:
            return None
        sizes: list[Size | None] = []
        remaining = iter(shape)
        for step in steps:
            size = ONE if step == NEW else next(remaining)
            if not isinstance(step, Picked):
                sizes.append(size if step in (NEW, ALL) else None)
        return sizes

    def _computed(self, node: Node) -> tuple[Size, ...] | None:
        """Returns the whole numbers that a node computes."""
        if node.type == "Const":
            array = tf.make_ndarray(node.attrs["value"].tensor)
            return tuple(map(known, array.reshape(-1).tolist())) if array.ndim <= 1 and array.size <= _MOST else None
        if node.type == "Shape":
            return self._shapes[node.inputs[0]]
        parts = [self._numbers.get(value) for value in node.inputs]
        if any(part is None for part in parts) or node.type not in _ARITHMETIC:
            return None
        return _ARITHMETIC[node.type](node, [part or () for part in parts])


_MOST = 16  # numbers in a shape

ALL, NEW = "all", "new"


@dataclasses.dataclass(frozen=True)
class Picked:
    """One place of an axis, which is dropped.

    Attributes:
      begin: the number of the place, from the end if negative.
    """

    begin: int


@dataclasses.dataclass(frozen=True)
class Sliced:
    """Places of an axis.

    Attributes:
      begin: the number of the first place, from the end if negative.
      stride: the distance between places.
    """

    begin: int
    stride: int


def sliced(node: Node, sizes: Sizes) -> list[Any] | None:
    """Returns what a StridedSlice makes of each axis of its input, None where this is unknown.

    Each is `ALL` for a whole axis, `NEW` for one that the input lacks, a `Picked` or a `Sliced`.
    """
    begins, ends, strides = (sizes.static(value) for value in node.inputs[1:])
    rank = node.inputs[0].shape.rank
    if begins is None or ends is None or strides is None or rank is None:
        return None
    masks = {key: node.attrs[f"{key}_mask"].i for key in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    bits = [{key for key, mask in masks.items() if mask >> place & 1} for place in range(len(begins))]
    missing = rank - sum("new_axis" not in bit and "ellipsis" not in bit for bit in bits)
    steps: list[Any] = []
    for begin, end, stride, bit in zip(begins, ends, strides, bits, strict=True):
        last = 0 if "end" in bit else end or None
        if "ellipsis" in bit:
            steps += [ALL] * missing
        elif "new_axis" in bit:
            steps.append(NEW)
        elif "shrink_axis" in bit:
            steps.append(Picked(begin))
        elif {"begin", "end"} <= bit and stride == 1:
            steps.append(ALL)
        elif "begin" not in bit and stride == 1 and begin + 1 == last:
            steps += [Picked(begin), NEW]
        else:
            steps.append(Sliced((0 if stride > 0 else -1) if "begin" in bit else begin, stride))
    return steps if masks["ellipsis"] else [*steps, *[ALL] * missing]


def _may_count(node: Node) -> bool:
    """Whether an op may compute one vector or scalar of whole numbers."""
    return len(node.specs) == 1 and node.output().dtype.is_integer and node.output().shape.rank in (0, 1)


Parts: TypeAlias = list[tuple[Size, ...]]


def _gathered(node: Node, parts: Parts) -> tuple[Size, ...] | None:
    vector, indices = parts[0], [size.number for size in parts[1]]
    if node.inputs[0].shape.rank != 1 or any(index is None or not 0 <= index < len(vector) for index in indices):
        return None
    return tuple(vector[index or 0] for index in indices)


def _strided(node: Node, parts: Parts) -> tuple[Size, ...] | None:
    vector, *limits = parts
    begin, end, stride = ([size.number for size in limit] for limit in limits)
    if node.inputs[0].shape.rank != 1 or len(begin) != 1 or None in (*begin, *end, *stride):
        return None
    attrs, first = node.attrs, begin[0]
    if attrs["new_axis_mask"].i or attrs["ellipsis_mask"].i:
        return None
    if attrs["shrink_axis_mask"].i:
        return (vector[first or 0],)
    return vector[None if attrs["begin_mask"].i else first : None if attrs["end_mask"].i else end[0] : stride[0]]


def _joined(node: Node, parts: Parts) -> tuple[Size, ...]:
    vectors = parts[:-1] if node.type == "ConcatV2" else parts
    return tuple(size for vector in vectors for size in vector)


def _multiplied(node: Node, parts: Parts) -> tuple[Size, ...] | None:
    first, second = parts
    if 1 not in (len(first), len(second)) and len(first) != len(second):
        return None
    count = max(len(first), len(second))
    pairs = zip(first * count, second * count, strict=False) if len(first) != len(second) else zip(*parts, strict=True)
    return tuple(a * b for a, b in list(pairs)[:count])


_ARITHMETIC: dict[str, Callable[[Node, Parts], tuple[Size, ...] | None]] = {
    **dict.fromkeys(("Cast", "ExpandDims", "Identity", "Reshape", "Squeeze"), lambda _, parts: parts[0]),
    **dict.fromkeys(("ConcatV2", "Pack"), _joined),
    "GatherV2": _gathered,
    "Mul": _multiplied,
    "Prod": lambda _, parts: (product(parts[0]),) if parts[1] else parts[0],
    "StridedSlice": _strided,
}
