"""Conditions as numbers: a selection also reads its condition as a number, 1 or 0, that depends on what is explained.

A truth value has no gradient. Where it is computed from explained floats, the pass adds the same computation in
floats: a comparison is a step function, `and` a product, `any` a maximum, and what moves truth values moves numbers.
Loops and branches carry the numbers beside the truth values.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.ir import ARGUMENT, GROUP, Node, Program, Value, arguments_for, constant, new_op, rewrite
from deepexplain_tf.graph.kinds import BRANCHES, COMPARISONS, KINDS, LOOPS, SELECTIONS, Kind

_EMPTY_LISTS = ("EmptyTensorList", "TensorListReserve")
_REDUCTIONS = {"All": "Min", "Any": "Max"}


def number_conditions(program: Program, explained: Collection[Value]) -> Program:
    """Returns the program in which selections read their conditions as numbers, where these depend on `explained`.

    Such a selection keeps its type and has a body. A condition that depends on what is explained in another way,
    through whole numbers or texts, stays a truth value.

    Args:
      program: any program.
      explained: the explained inputs.
    """
    wide = any(value.dtype in (tf.float64, tf.complex128) for value in explained)
    return _Numbering(analyse(explained, program.outputs), tf.float64 if wide else tf.float32).of(program)


@dataclasses.dataclass
class _Numbering:
    """The walk through one program.

    Attributes:
      activity: which values depend on what is explained.
      dtype: the dtype of the numbers.
      numbers: the number of each truth value, and of each list of truth values, of the old program.
      current: the new value of each old one.
    """

    activity: Activity
    dtype: tf.DType
    numbers: dict[Value, Value] = dataclasses.field(default_factory=dict)
    current: dict[Value, Value] = dataclasses.field(default_factory=dict)

    def of(self, program: Program) -> Program:
        """Returns the program with its conditions as numbers."""
        rewrite(program.outputs, self._transform, self.current)
        return Program(program.inputs, tuple(self.current[value] for value in program.outputs))

    def number(self, value: Value) -> Value | None:
        """Returns the number of a truth value or of a list of them, None where it has none."""
        if value.dtype == tf.bool and value not in self.activity.varying:
            return _cast(self.current[value], self.dtype)
        return self.numbers.get(value)

    def _transform(self, node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        active = self.activity.inputs(node)
        if node.type in LOOPS | BRANCHES:
            return self._entered(node, inputs) if active else None
        if active or node.type in _EMPTY_LISTS:
            self.numbers.update(zip(node.outputs(), self._numbered(node, inputs), strict=False))
        if 0 not in active or node.inputs[0] not in self.numbers or not node.output().differentiable:
            return None
        number = self.numbers[node.inputs[0]]
        if node.type == "Cast":
            return (_cast(number, node.output().dtype),)
        return (_selection(node, (number, *inputs[1:])),) if _selects_elements(node) else None

    def _numbered(self, node: Node, inputs: tuple[Value, ...]) -> Sequence[Value]:
        """Returns the numbers of an op's truth values; nothing where it has none, or where they cannot be told."""
        if node.gradient is not None:
            return ()
        if node.type in COMPARISONS and node.inputs[0].dtype.is_floating:
            return (_cast(_step(node, inputs), self.dtype),)
        pairs = zip(node.inputs, inputs, strict=True)
        read = [self.number(old) if old.dtype in (tf.bool, tf.variant) else new for old, new in pairs]
        known = tuple(value for value in read if value is not None)
        if len(known) < len(read):
            return ()
        if node.type in _LOGIC and node.inputs[0].dtype == tf.bool:
            return (_LOGIC[node.type](node.name, known, tf.TensorSpec(node.specs[0].shape, self.dtype)),)
        return self._moved(node, known)

    def _moved(self, node: Node, inputs: tuple[Value, ...]) -> Sequence[Value]:
        """Returns the outputs of an op that moves numbers as `node` moves truth values; nothing if it does not."""
        number = tf.compat.v1.AttrValue(type=self.dtype.as_datatype_enum)
        attrs = {key: number if proto.type == tf.bool.as_datatype_enum else proto for key, proto in node.attrs.items()}
        specs = [tf.TensorSpec(s.shape, self.dtype if s.dtype == tf.bool else s.dtype) for s in node.specs]
        moved = dataclasses.replace(node, inputs=inputs, attrs=attrs, specs=tuple(specs))
        if node.type in _REDUCTIONS:
            return dataclasses.replace(moved, type=_REDUCTIONS[node.type], attrs={**attrs, "T": number}).outputs()
        if attrs == node.attrs or not (node.type in _EMPTY_LISTS or KINDS.get(node.type) is Kind.LINEAR):
            return ()
        if node.type in SELECTIONS:
            return (_selection(moved, inputs),) if _selects_elements(node) else ()
        return moved.outputs()

    def _entered(self, node: Node, inputs: tuple[Value, ...]) -> Sequence[Value]:
        """Returns the outputs of a loop or branch that carries the numbers of its varying truth values."""
        before = 0 if node.type in LOOPS else 1  # a branch reads its choice first
        varying = node.outputs() if node.type in LOOPS else node.inputs
        given = {n: self.number(node.inputs[n]) for n, value in enumerate(varying) if value in self.activity.varying}
        known = {n - before: number for n, number in given.items() if number is not None and n >= before}
        while True:
            inside = {name: self._inside(node, body, known) for name, body in node.bodies.items()}
            told = [numbers for name, (_, numbers) in inside.items() if name != "cond"]
            kept = [n for n in range(len(node.specs)) if all(n in numbers for numbers in told)]
            if node.type in LOOPS:
                kept = [n for n in kept if n in known]
            if node.type in BRANCHES or len(kept) == len(known):
                break
            known = {n: known[n] for n in kept}  # of the others, the body cannot tell the number
        bodies = {
            name: Program(body.inputs, (*body.outputs, *(numbers[n] for n in kept if name != "cond")))
            for name, (body, numbers) in inside.items()
        }
        specs = (*node.specs, *(self._spec(node.specs[n]) for n in kept))
        made = dataclasses.replace(node, inputs=(*inputs, *known.values()), specs=specs, bodies=bodies).outputs()
        self.numbers.update(zip(map(node.output, kept), made[len(node.specs) :], strict=True))
        return made[: len(node.specs)]

    def _inside(self, node: Node, body: Program, known: Mapping[int, Value]) -> tuple[Program, dict[int, Value]]:
        """Returns a program inside a loop or branch that is also given numbers, and the numbers of its outputs."""
        added = {
            body.inputs[n]: Node(f"number_{n}", ARGUMENT, (), (self._spec(body.inputs[n].spec),)).output()
            for n in known
        }
        activity = analyse(self.activity.varying_arguments(node, body), body.outputs)
        walk = _Numbering(activity, self.dtype, dict(added))
        program = walk.of(body)
        numbers = {n: walk.number(value) for n, value in enumerate(body.outputs)}
        told = {n: number for n, number in numbers.items() if number is not None}
        return Program((*body.inputs, *added.values()), program.outputs), told

    def _spec(self, spec: tf.TensorSpec) -> tf.TensorSpec:
        return tf.TensorSpec(spec.shape, self.dtype if spec.dtype == tf.bool else spec.dtype)


def _selects_elements(node: Node) -> bool:
    """Whether an op is a selection whose condition has the rank of its output, as the rule for selections needs."""
    return node.type == "SelectV2" or (node.type == "Select" and node.inputs[0].shape.rank == node.specs[0].shape.rank)


def _selection(node: Node, inputs: tuple[Value, ...]) -> Value:
    """Returns a selection that reads its condition as a number."""
    arguments = arguments_for(inputs)
    inner = dataclasses.replace(node, inputs=(_cast(arguments[0], tf.bool), *arguments[1:]))
    body = Program(arguments, (inner.output(),))
    return dataclasses.replace(node, inputs=inputs, bodies={"body": body}).output()


def _step(node: Node, inputs: tuple[Value, ...]) -> Value:
    """Returns a comparison as a group, a function of its operands whose values are 1 and 0."""
    arguments = arguments_for(inputs)
    output = _cast(dataclasses.replace(node, inputs=arguments).output(), inputs[0].dtype)
    body = Program(arguments, (output,))
    return Node(node.name, GROUP, inputs, (output.spec,), device=node.device, bodies={"body": body}).output()


def _cast(value: Value, dtype: tf.DType) -> Value:
    if value.dtype == dtype:
        return value
    attrs = {"SrcT": value.dtype, "DstT": dtype}
    return new_op("conditions/cast", "Cast", [value], tf.TensorSpec(value.shape, dtype), attrs)


# --- truth tables in numbers: exact for 1 and 0, and linear in each operand by itself ------------------------


def _op(type_: str, name: str, operands: Sequence[Value], spec: tf.TensorSpec) -> Value:
    return new_op(name, type_, operands, spec, {"T": spec.dtype})


def _not(name: str, operands: Sequence[Value], spec: tf.TensorSpec) -> Value:
    return _op("Sub", name, [constant("conditions/one", 1, spec.dtype), operands[0]], spec)


def _or(name: str, operands: Sequence[Value], spec: tf.TensorSpec) -> Value:
    denied = [_not(name, [value], tf.TensorSpec(value.shape, spec.dtype)) for value in operands]
    return _not(name, [_op("Mul", name, denied, spec)], spec)


def _differ(name: str, operands: Sequence[Value], spec: tf.TensorSpec) -> Value:
    return _op("SquaredDifference", name, operands, spec)


_LOGIC: Mapping[str, Callable[[str, Sequence[Value], tf.TensorSpec], Value]] = {
    "LogicalNot": _not,
    "LogicalAnd": lambda name, operands, spec: _op("Mul", name, operands, spec),
    "LogicalOr": _or,
    "NotEqual": _differ,
    "Equal": lambda name, operands, spec: _not(name, [_differ(name, operands, spec)], spec),
}
