"""Places in tensors: for each axis a number, or the whole axis."""

from collections.abc import Collection, Sequence
import functools
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from deepexplain_tf.graph.ir import Value, constant, length_of, new_op
from deepexplain_tf.graph.sizes import BATCH, ONE, Picked, Size, Sizes, Sliced, known, product


class Digit(NamedTuple):
    """A number below a size.

    Attributes:
      number: whole numbers, `[rows]` or one for all rows.
      size: the size.
    """

    number: Value
    size: Size


Entry: TypeAlias = tuple[Digit, ...]  # the digits of a place on an axis, whose size is the product of theirs
At: TypeAlias = tuple[Entry | None, ...]  # for each axis a place, or None for the whole axis


def stem(value: Value) -> str:
    """Returns a name for ops on a value; that of a captured constant may be no name of an op."""
    return value.node.name.partition(":")[0]


def has_rows(at: At) -> bool:
    """Whether places differ from row to row, so that what is selected there has an axis for these."""
    return any(digit.number.shape.rank for entry in at for digit in entry or ())


def matched(before: Sequence[Size], after: Sequence[Size]) -> list[tuple[list[int], list[int]]] | None:
    """Returns groups of axes of equal size, of a tensor before and after it is reshaped; None if none are found.

    Axes of length 1 belong to no group, but for those after it that stand alone.
    """
    ends = [[axis for axis, size in enumerate(sizes) if size != ONE] for sizes in (before, after)]
    groups: list[tuple[list[int], list[int]]] = []
    inner: list[int] = []
    outer: list[int] = []
    while any(ends) or inner or outer:
        sizes = product([before[axis] for axis in inner]), product([after[axis] for axis in outer])
        if inner and outer and sizes[0] == sizes[1]:
            groups.append((inner, outer))
            inner, outer = [], []
        elif ends[0] and (not inner or (outer and _divides(sizes[0], sizes[1]))):
            inner.append(ends[0].pop(0))
        elif ends[1] and (not outer or _divides(sizes[1], sizes[0])):
            outer.append(ends[1].pop(0))
        else:
            return None
    return groups


def _divides(divisor: Size, size: Size) -> bool:
    ratio = size / divisor if divisor.factor else ONE
    return ratio.factor.denominator == 1 and all(power > 0 for _, power in ratio.powers)


def _counted(size: Size) -> bool:
    """Whether a size can be computed: it is a number, or that of an open axis, or a multiple of it."""
    single = [power for _, power in size.powers] == [1] and size.factor.denominator == 1
    return size.number is not None or (single and not size.has(BATCH))


class IndexPlaces:
    """The places of a program's values that an index of its output asks for."""

    def __init__(self, index: Value, output: Value, sizes: Sizes, fixed: Collection[Value]):
        """Keeps what places are computed from.

        Args:
          index: the places in the output of each example, `[rows, axes]`.
          output: the output, `[rows, ...]`.
          sizes: the sizes of the program's values.
          fixed: the values that are the same for all examples.
        """
        self._sizes, self._fixed = sizes, fixed
        self._rows = _whole("rows", "Range", (_number(0), _length(index, 0), _number(1)), [None], Tidx=tf.int32)
        self._examples, *lengths = sizes.of(output) or ()
        self._ends: dict[tuple[Size, int], Value] = {}  # places that are counted from the end of an open axis
        columns = [_column(index, axis) for axis, _ in enumerate(lengths)]
        places = [
            () if size == ONE else (Digit(*pair),) for pair in zip(columns, lengths, strict=True) for size in pair[1:]
        ]
        self.of_output: At = ((Digit(self._rows, self._examples),), *places)

    def of_rows(self, value: Value) -> At | None:
        """Returns the places of all of a value, a row for each example; None if its rows are not the examples."""
        sizes = self._sizes.of(value)
        if not sizes or sizes[0] != self._examples:
            return None
        return ((Digit(self._rows, sizes[0]),), *[None] * (len(sizes) - 1))

    def is_whole(self, at: At) -> bool:
        """Whether what is selected is the value itself."""
        first, *others = at or (None,)
        return all(entry is None for entry in others) and (first is None or self._is_rows(first))

    def is_part(self, at: At) -> bool:
        """Whether some places are left out of what is selected, in each of its rows."""
        return any(entry and not self._is_rows(entry) for entry in at)

    def read_by(self, at: At) -> list[Value]:
        """Returns the values whose sizes the numbers of places are computed from."""
        digits = [digit for entry in at for digit in entry or ()]
        inner = [digit for entry in at for digit in (entry or ())[1:]]
        numbers = {digit.number for digit in digits}
        sizes = [size for (size, _), number in self._ends.items() if number in numbers]
        return [_origin(size) for size in (*sizes, *(digit.size for digit in inner)) if size.number is None]

    def sliced(self, step: Picked | Sliced, entry: Entry | None, size: Size) -> Entry | None:
        """Returns the place on an axis of which a slice keeps one place or some; None if it is not known."""
        length, begin = size.number, step.begin
        if isinstance(step, Picked):
            if length is not None and not -length <= begin < length:
                return None
            if begin >= 0 or length is not None:
                return () if size == ONE else (Digit(_number(begin % length if length else begin), size),)
            if not _counted(size):
                return None
            if (size, begin) not in self._ends:
                self._ends[size, begin] = _sum(_runtime(size), _number(begin))
            return (Digit(self._ends[size, begin], size),)
        if entry is None or (length is None and (begin < 0 or step.stride < 0)):
            return None
        if length is not None:
            begin = min(max(begin + length if begin < 0 else begin, 0), length - 1)
        number = _sum(_number(begin), _product(_joined(entry), _number(step.stride)))
        return () if size == ONE else (Digit(number, size),)

    def regrouped(self, digits: Sequence[Digit], sizes: Sequence[Size]) -> list[Entry] | None:
        """Returns digits dealt out to axes of other sizes with the same product; None where they do not fit."""
        left = list(digits)
        entries: list[Entry] = []
        for size in reversed(sizes):
            entry: list[Digit] = []
            while size != ONE:
                digit = left.pop()
                if _divides(digit.size, size):
                    size = size / digit.size
                else:
                    number, least = digit.size.number, size.number
                    if not number or not least or number % least:
                        return None
                    left.append(Digit(_divided("FloorDiv", digit.number, least), known(number // least)))
                    digit, size = Digit(_divided("FloorMod", digit.number, least), known(least)), ONE
                entry.insert(0, digit)
            entries.insert(0, tuple(entry))
        return entries if all(_counted(digit.size) for entry in entries for digit in entry[1:]) else None

    def gather(self, value: Value, at: At) -> Value:
        """Returns what is selected from a value: its rows, if places differ from row to row, then its whole axes."""
        if self.is_whole(at):
            return value
        single = [axis for axis, entry in enumerate(at) if entry is not None and not has_rows((entry,))]
        value = self._picked(value, at, single)
        entries = [entry for axis, entry in enumerate(at) if axis not in single]
        if self.is_whole(tuple(entries)):
            return value
        axes = [axis for axis, entry in enumerate(entries) if entry is not None]
        indices = [_joined(entries[axis] or ()) for axis in axes]
        shape = [None, *(size for axis, size in enumerate(value.shape) if axis not in axes)]
        name, dtype = f"{stem(value)}/rows", value.dtype
        order = [*axes, *(axis for axis in range(len(entries)) if axis not in axes)]
        if len(axes) == 1 and self._is_fixed(value):
            (axis,) = axes
            between = [*value.shape[:axis], None, *value.shape[axis + 1 :]]
            attrs = {"Tparams": dtype, "Tindices": tf.int32, "Taxis": tf.int32, "batch_dims": 0}
            operands = (value, indices[0], _number(axis))
            return _transposed(new_op(name, "GatherV2", operands, tf.TensorSpec(between, dtype), attrs), order)
        stacked = _whole("places", "Pack", indices, [None, len(axes)], T=tf.int32, N=len(axes), axis=1)
        attrs = {"Tparams": dtype, "Tindices": tf.int32}
        return new_op(name, "GatherNd", (_transposed(value, order), stacked), tf.TensorSpec(shape, dtype), attrs)

    def _is_fixed(self, value: Value) -> bool:
        return value in self._fixed or all(operand in self._fixed for operand in value.node.inputs)

    def _picked(self, value: Value, at: At, axes: Sequence[int]) -> Value:
        """Returns the value at places that are the same for all rows, without these axes."""
        if not axes:
            return value
        name, dtype, shape = stem(value), value.dtype, value.shape.as_list()
        if any(at[axis] for axis in axes):
            begin = [_joined(at[axis] or ()) if axis in axes else _number(0) for axis in range(len(shape))]
            attrs = {"T": tf.int32, "N": len(shape), "axis": 0}
            first = new_op(f"{name}/begin", "Pack", begin, tf.TensorSpec([len(shape)], tf.int32), attrs)
            size = constant(f"{name}/size", [1 if axis in axes else -1 for axis in range(len(shape))], tf.int32)
            spec = tf.TensorSpec([1 if axis in axes else length for axis, length in enumerate(shape)], dtype)
            value = new_op(f"{name}/place", "Slice", (value, first, size), spec, {"T": dtype, "Index": tf.int32})
        spec = tf.TensorSpec([length for axis, length in enumerate(shape) if axis not in axes], dtype)
        return new_op(f"{name}/picked", "Squeeze", (value,), spec, {"T": dtype, "squeeze_dims": list(axes)})

    def _is_rows(self, entry: Entry) -> bool:
        return [digit.number for digit in entry] == [self._rows]


def _joined(entry: Entry) -> Value:
    """Returns the number that digits make up."""
    if not entry:
        return _number(0)
    number = entry[0].number
    for digit in entry[1:]:
        number = _sum(_product(number, _runtime(digit.size)), digit.number)
    return number


def _origin(size: Size) -> Value:
    ((axis, _),) = size.powers
    return axis[0]


def _runtime(size: Size) -> Value:
    """Returns a size as a number of the program."""
    if size.number is not None:
        return _number(size.number)
    ((axis, _),) = size.powers
    length = _length(*axis)
    return length if size.factor == 1 else _product(length, _number(int(size.factor)))


@functools.cache
def _number(value: int) -> Value:
    return constant("number", value, tf.int32)


def _column(index: Value, axis: int) -> Value:
    """Returns a column of the index as a vector."""
    operands = (index, *(constant("column", limit, tf.int32) for limit in ([0, axis], [-1, 1])))
    column = _whole("column", "Slice", operands, [None, 1], T=tf.int32, Index=tf.int32)
    return _whole("column", "Squeeze", (column,), [None], T=tf.int32, squeeze_dims=[1])


def _whole(name: str, type_: str, operands: Sequence[Value], shape: Sequence[int | None], **attrs: Any) -> Value:
    """Returns an op on whole numbers."""
    return new_op(name, type_, operands, tf.TensorSpec(shape, tf.int32), attrs)


def _sum(first: Value, second: Value) -> Value:
    return _whole("sum", "AddV2", (first, second), tf.broadcast_static_shape(first.shape, second.shape), T=tf.int32)


def _product(first: Value, second: Value) -> Value:
    return _whole("product", "Mul", (first, second), tf.broadcast_static_shape(first.shape, second.shape), T=tf.int32)


def _divided(type_: str, number: Value, divisor: int) -> Value:
    return _whole("digit", type_, (number, _number(divisor)), number.shape, T=tf.int32)


def _length(value: Value, axis: int) -> Value:
    """Returns the length of an axis as a number of the program."""
    length = length_of(value, axis, tf.int32)
    return _whole("length", "Squeeze", (length,), [], T=tf.int32, squeeze_dims=[0])


def _transposed(value: Value, order: Sequence[int]) -> Value:
    if list(order) == sorted(order):
        return value
    spec = tf.TensorSpec([value.shape[axis] for axis in order], value.dtype)
    operands = (value, constant("order", list(order), tf.int32))
    return new_op(f"{stem(value)}/moved", "Transpose", operands, spec, {"T": value.dtype, "Tperm": tf.int32})
