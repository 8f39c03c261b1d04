"""The one walk: a program emitted again into the graph being built, with rules at the ops that have one."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from deepexplain_tf.errors import UnsupportedOpError
from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.ir import ARGUMENT, CAPTURE, GROUP, Node, Program, Value, order
from deepexplain_tf.graph.kinds import Kind, kind_of

Outputs: TypeAlias = Any  # a tensor, or a list or tuple of tensors
SingleRule: TypeAlias = Callable[["Op", Sequence[tf.Tensor]], Outputs]
_UNSUPPORTED = """
    While StatelessWhile If StatelessIf Case StatelessCase For SymbolicGradient RemoteCall PyFunc EagerPyFunc
    PyFuncStateless
"""
UNSUPPORTED = frozenset(_UNSUPPORTED.split())  # programs inside programs, and what is no TensorFlow op


class Twin(NamedTuple):
    """A value at the input and the same value at the baseline."""

    x: tf.Tensor
    baseline: tf.Tensor


TwinRule = Callable[["Op", Sequence[tf.Tensor], Sequence[tf.Tensor]], tuple[Outputs, Outputs]]
Environment = dict[Value, tf.Tensor | Twin]


@dataclasses.dataclass(frozen=True)
class Op:
    """An op as a rule sees it: called with tensors, it emits itself.

    Attributes:
      node: its record.
      active: the positions of the inputs that depend on the explained tensor.
    """

    node: Node
    active: tuple[int, ...]
    environment: Environment = dataclasses.field(repr=False)

    @property
    def type(self) -> str:
        """The TensorFlow op type, such as `"Relu"`; `"Group"` for several ops that are one function."""
        return self.node.type

    @property
    def name(self) -> str:
        """The op's name in the model's graph."""
        return self.node.name

    @property
    def kind(self) -> Kind:
        """What the op is to a rule."""
        return kind_of(self.node, self.active)

    def __call__(self, *inputs: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        """Emits the op with its ordinary gradient; returns its output, or the list of several."""
        outputs = self.outputs(inputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def outputs(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Emits the op with its ordinary gradient; returns the list of its outputs."""
        node = self.node
        if node.type == GROUP and node.body is not None:
            return emit(node.body, dict(zip(node.body.inputs, inputs, strict=True)))
        if node.gradient is not None:
            return self._with_own_gradient(node.gradient, inputs)
        return _create(node, inputs)

    def _with_own_gradient(self, gradient: Program, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Emits the op with the gradient that the user's `tf.custom_gradient` gave it."""

        @tf.custom_gradient
        def kept(*inputs: tf.Tensor):  # type: ignore[no-untyped-def]
            def backward(*upstream: tf.Tensor) -> list[tf.Tensor]:
                known = {**self.environment, **dict(zip(gradient.inputs, upstream, strict=True))}
                return [_single(value) for value in _walk(gradient.outputs, known, _plain)]

            return _create(self.node, inputs), backward

        return as_list(kept(*inputs))


def emit(program: Program, given: Mapping[Value, tf.Tensor]) -> list[tf.Tensor]:
    """Emits a program as it is.

    Args:
      program: what to compute.
      given: tensors for its inputs (or for any values inside it, from which it then starts).

    Returns:
      The tensors of its outputs.
    """
    return [_single(value) for value in _walk(program.outputs, dict(given), _plain)]


def emit_with_rules(
    program: Program,
    given: Mapping[Value, tf.Tensor],
    explained: Sequence[Value],
    rule_of: Callable[[Op], SingleRule | None],
) -> list[tf.Tensor]:
    """Emits a program with the gradients of single-valued rules.

    Args:
      program: what to compute.
      given: tensors for its inputs.
      explained: the inputs that are explained; rules are given to ops that depend on them.
      rule_of: the rule for an op, None for its ordinary gradient.

    Returns:
      The tensors of the outputs, whose values are those of the program without rules.
    """
    activity = analyse(explained, program.outputs)

    def step(node: Node, environment: Environment) -> Sequence[tf.Tensor | Twin]:
        op = Op(node, activity.inputs(node), environment)
        inputs = [_single(environment[value]) for value in node.inputs]
        rule = rule_of(op) if activity.is_active(node) else None
        return op.outputs(inputs) if rule is None else _checked(op, rule(op, inputs))

    return [_single(value) for value in _walk(program.outputs, dict(given), step)]


def emit_twin(
    program: Program,
    given: Mapping[Value, tf.Tensor],
    explained: Mapping[Value, Twin],
    rule_of: Callable[[Op], TwinRule | None],
) -> list[Twin]:
    """Emits a program at the input and at the baseline in one graph.

    Args:
      program: what to compute.
      given: tensors for the inputs that are the same at both points.
      explained: both values of the explained inputs.
      rule_of: the rule for an op, None for its ordinary gradient.

    Returns:
      Both values of each output; the gradient of the first carries the rules, the second has none.
    """
    activity = analyse(explained, program.outputs)

    def step(node: Node, environment: Environment) -> Sequence[tf.Tensor | Twin]:
        op = Op(node, activity.inputs(node), environment)
        values = [environment[value] for value in node.inputs]
        x = [value.x if isinstance(value, Twin) else value for value in values]
        if not any(isinstance(value, Twin) for value in values):
            return op.outputs(x)
        baseline = [value.baseline if isinstance(value, Twin) else value for value in values]
        rule = rule_of(op) if activity.is_active(node) else None
        if rule is None:
            pair = op.outputs(x), op.outputs(baseline)
        else:
            at_x, at_baseline = rule(op, x, baseline)
            pair = _checked(op, at_x), _checked(op, at_baseline)
        return [Twin(*both) for both in zip(*pair, strict=True)]

    outputs = _walk(program.outputs, {**given, **explained}, step)
    return [value if isinstance(value, Twin) else Twin(value, value) for value in outputs]


def as_list(outputs: Outputs) -> list[tf.Tensor]:
    """Returns the list of a rule's outputs, which may be one tensor."""
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


Step = Callable[[Node, Environment], Sequence[tf.Tensor | Twin]]


def _walk(outputs: Sequence[Value], environment: Environment, step: Step) -> list[tf.Tensor | Twin]:
    for node in order(outputs, environment):
        if node.type == ARGUMENT:
            raise AssertionError(f"argument {node.name!r} was given no tensor")
        if node.type in UNSUPPORTED:
            raise unsupported(node)
        made = [node.tensor] if node.type == CAPTURE else step(node, environment)
        environment.update(zip(node.outputs(), made, strict=True))
    return [environment[value] for value in outputs]


def unsupported(node: Node) -> UnsupportedOpError:
    """Returns the error for an op that cannot be emitted again."""
    return UnsupportedOpError(
        f"every op must be one that can be emitted again. Got {node.type} at node {node.name!r}, which this "
        "version does not enter (deepexplain_tf/graph/emit.py)."
    )


def _plain(node: Node, environment: Environment) -> Sequence[tf.Tensor]:
    return Op(node, (), environment).outputs([_single(environment[value]) for value in node.inputs])


def _create(node: Node, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    graph = tf.compat.v1.get_default_graph()
    dtypes = [spec.dtype for spec in node.specs]
    with tf.device(node.device or None):
        op = graph.create_op(node.type, list(inputs), dtypes, name=node.name, attrs=dict(node.attrs))
    return list(op.outputs)


def _single(value: tf.Tensor | Twin) -> tf.Tensor:
    return value.x if isinstance(value, Twin) else value


def _checked(op: Op, outputs: Outputs) -> list[tf.Tensor]:
    tensors = as_list(outputs)
    if len(tensors) != len(op.node.specs):
        raise UnsupportedOpError(
            f"a rule returns the {len(op.node.specs)} outputs of its op. Got {len(tensors)} for {op.type} at "
            f"{op.name!r}."
        )
    return tensors
