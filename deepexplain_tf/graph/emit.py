"""The one walk: it emits a program again into the graph being built, with rules at the ops that have one."""

from collections.abc import Callable, Collection, Mapping, Sequence
import dataclasses
from typing import Any, TypeAlias

import tensorflow as tf

from deepexplain_tf.errors import UnsupportedOpError
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.broadcast import gradient_name
from deepexplain_tf.graph.control_flow import emit_control_flow
from deepexplain_tf.graph.eager import run_eagerly
from deepexplain_tf.graph.ir import ARGUMENT, CAPTURE, Node, Program, Value, topological_order
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS, Kind, kind_of
from deepexplain_tf.graph.max_pool import POOL_GRADIENT
from deepexplain_tf.graph.pooling import COMPOSED
from deepexplain_tf.graph.twin import Signal, Twin, at_baseline, at_x

Outputs: TypeAlias = Any  # a tensor, or a list or tuple of tensors
SingleRule: TypeAlias = Callable[["Op", Sequence[tf.Tensor]], Outputs]
TwinRule: TypeAlias = Callable[["Op", Sequence[tf.Tensor], Sequence[tf.Tensor]], tuple[Outputs, Outputs]]
Environment: TypeAlias = dict[Value, Signal]

_UNSUPPORTED = "SymbolicGradient RemoteCall For PyFunc EagerPyFunc PyFuncStateless"
UNSUPPORTED = frozenset(_UNSUPPORTED.split())  # ops that run code outside the graph, or that cannot be entered


@dataclasses.dataclass(frozen=True)
class Op:
    """An op as a rule sees it: called with tensors, it emits itself.

    Attributes:
      node: the op's record.
      active: the positions of the inputs that depend on the explained tensor.
      environment: the values emitted so far, which a custom gradient may read.
    """

    node: Node
    active: tuple[int, ...]
    environment: Environment = dataclasses.field(repr=False)

    @property
    def type(self) -> str:
        """The TensorFlow op type, such as `"Relu"`; `"Group"`, `"Layer"` or `"Neuron"` for several that are one."""
        return self.node.type

    @property
    def name(self) -> str:
        """The op's name in the model's graph."""
        return self.node.name

    @property
    def kind(self) -> Kind:
        """The op's kind, given its active inputs."""
        return kind_of(self.node, self.active)

    @property
    def differentiable(self) -> tuple[int, ...]:
        """The positions of the active inputs to which a rule passes a gradient."""
        return tuple(position for position in self.active if self.node.inputs[position].differentiable)

    @property
    def is_composed(self) -> bool:
        """Whether the op is emitted as several ops or has a custom gradient, so that no single op has its gradient."""
        return self.node.is_composite or self.type in COMPOSED or self.node.gradient is not None

    @property
    def has_gradient(self) -> bool:
        """Whether the op has an ordinary gradient: TensorFlow's or a custom one."""
        return self.is_composed or tf_private.has_gradient(self.type)

    def __call__(self, *inputs: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        """Emits the op with its ordinary gradient; returns its output, or a list of several."""
        outputs = self.outputs(inputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def outputs(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Emits the op with its ordinary gradient; returns the list of its outputs."""
        node = self.node
        if node.is_composite:
            body = node.bodies["body"]
            return emit(body, dict(zip(body.inputs, inputs, strict=True)))
        if node.gradient is not None:
            return self._with_custom_gradient(node.gradient, inputs)
        return _compiled(node, inputs) if node.compiled else _create(node, inputs)

    def _with_custom_gradient(self, gradient: Program, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Emits the op with its `tf.custom_gradient`."""

        @tf.custom_gradient
        def differentiable(*inputs: tf.Tensor):  # type: ignore[no-untyped-def]
            outputs = _create(self.node, inputs)

            def backward(*upstream: tf.Tensor) -> list[tf.Tensor]:
                known = {**self.environment, **dict(zip(gradient.inputs, (*upstream, *outputs), strict=True))}
                return [at_x(signal) for signal in Walk(_plain).run(gradient.outputs, known)]

            return outputs, backward

        return as_list(differentiable(*inputs))


def emit(program: Program, given: Mapping[Value, tf.Tensor]) -> list[tf.Tensor]:
    """Emits a program with its ordinary gradients.

    Args:
      program: the program.
      given: tensors for the inputs, or for values inside the program, which are then not computed.

    Returns:
      The tensors of the outputs.
    """
    return [at_x(signal) for signal in Walk(_plain).run(program.outputs, dict(given))]


def emit_with_rules(
    program: Program,
    given: Mapping[Value, tf.Tensor],
    explained: Sequence[Value],
    rule_of: Callable[[Op], SingleRule | None],
) -> list[tf.Tensor]:
    """Emits a program with the gradients of single-valued rules.

    Args:
      program: the program.
      given: tensors for the inputs.
      explained: the explained inputs; only ops that depend on them get rules.
      rule_of: returns the rule for an op, None for its ordinary gradient.

    Returns:
      The tensors of the outputs, with the same values as without rules.

    Raises:
      UnsupportedOpError: an op cannot be emitted again, or a rule does not return the outputs of its op.
    """

    def step(op: Op, signals: Sequence[Signal], active: bool) -> Sequence[Signal]:
        inputs = [at_x(signal) for signal in signals]
        rule = rule_of(op) if active else None
        return op.outputs(inputs) if rule is None else _checked(op, rule(op, inputs))

    return [at_x(signal) for signal in Walk(step).run(program.outputs, dict(given), explained)]


def emit_twin(
    program: Program,
    given: Mapping[Value, tf.Tensor],
    explained: Mapping[Value, Twin],
    rule_of: Callable[[Op], TwinRule | None],
) -> list[Twin]:
    """Emits a program at the input and at the baseline in one graph.

    Args:
      program: the program.
      given: tensors for the inputs that are the same at both points.
      explained: both values of each explained input.
      rule_of: returns the rule for an op, None for its ordinary gradient.

    Returns:
      Both values of each output; the rules replace gradients of the value at the input only.

    Raises:
      UnsupportedOpError: an op cannot be emitted again, or a rule does not return the outputs of its op.
    """

    def step(op: Op, signals: Sequence[Signal], active: bool) -> Sequence[Signal]:
        inputs = [at_x(signal) for signal in signals]
        if not any(isinstance(signal, Twin) for signal in signals):
            return op.outputs(inputs)
        baseline = [at_baseline(signal) for signal in signals]
        rule = rule_of(op) if active else None
        if rule is None:
            at_points = [op.outputs(inputs), op.outputs(baseline)]
        else:
            first, second = rule(op, inputs, baseline)
            at_points = [_checked(op, first), _checked(op, second)]
        return [Twin(x, x0) for x, x0 in zip(*at_points, strict=True)]

    signals = Walk(step).run(program.outputs, {**given, **explained}, list(explained))
    return [Twin(at_x(signal), at_baseline(signal)) for signal in signals]


def as_list(outputs: Outputs) -> list[tf.Tensor]:
    """Returns a rule's outputs as a list; a single tensor becomes a list of one."""
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


Step: TypeAlias = Callable[[Op, Sequence[Signal], bool], Sequence[Signal]]


@dataclasses.dataclass(frozen=True)
class Walk:
    """Emits programs node by node, including those inside loops and branches.

    Attributes:
      step: `(op, inputs, active)` → outputs: emits one op.
    """

    step: Step

    def run(
        self, outputs: Sequence[Value], environment: Environment, explained: Collection[Value] = ()
    ) -> list[Signal]:
        """Emits the nodes that `outputs` need, adds their values to `environment`, and returns those of `outputs`."""
        activity = analyse(explained, outputs)
        for node in topological_order(outputs, environment):
            if node.type == CAPTURE:
                environment[node.output()] = tf_private.own_handle(node.tensor)
                continue
            signals = self._emit(node, environment, activity)
            environment.update(zip(node.outputs(), signals, strict=True))
        return [environment[value] for value in outputs]

    def _emit(self, node: Node, environment: Environment, activity: Activity) -> Sequence[Signal]:
        if node.type == ARGUMENT:
            raise AssertionError(f"argument {node.name!r} was given no tensor")
        if node.type in UNSUPPORTED:
            raise unsupported_error(node)
        signals = [environment[value] for value in node.inputs]
        if node.type not in LOOPS | BRANCHES:
            return self.step(Op(node, activity.inputs(node), environment), signals, activity.is_active(node))

        def run(program: Program, arguments: Sequence[Signal]) -> list[Signal]:
            inside = dict(zip(program.inputs, arguments, strict=True))
            return self.run(program.outputs, inside, activity.varying_arguments(node, program))

        return emit_control_flow(node, signals, run)


def _plain(op: Op, signals: Sequence[Signal], active: bool) -> Sequence[Signal]:
    del active
    return op.outputs([at_x(signal) for signal in signals])


def unsupported_error(node: Node) -> UnsupportedOpError:
    """Returns the error for an op that cannot be emitted again."""
    return UnsupportedOpError(
        f"every op of the model must be one that can be emitted again. Got {node.type} at node {node.name!r}, which "
        "cannot (see deepexplain_tf/graph/emit.py)."
    )


def _create(node: Node, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    graph = tf.compat.v1.get_default_graph()
    dtypes = [spec.dtype for spec in node.specs]
    attrs = dict(node.attrs)
    gradient = POOL_GRADIENT if node.type == "MaxPool" else gradient_name(node)
    if gradient is not None:
        attrs["_gradient_op_type"] = tf.compat.v1.AttrValue(s=gradient.encode())
    with tf.device(node.device or None):
        if node.type in COMPOSED:
            return COMPOSED[node.type](node, inputs)
        if tf.executing_eagerly():
            return run_eagerly(node, inputs)
        op = graph.create_op(node.type, list(inputs), dtypes, name=node.name, attrs=attrs)
    for tensor, spec in zip(op.outputs, node.specs, strict=True):
        if tensor.shape.rank is None and spec.shape.rank:  # a table's lookup, whose shape the model itself has set
            tensor.set_shape([None, *spec.shape[1:]])
    return list(op.outputs)


def _compiled(node: Node, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Creates an op that XLA compiles, as it does the op's gradient."""
    function = tf.function(lambda *inputs: _create(node, inputs), autograph=False, jit_compile=True)
    return function.get_concrete_function(*inputs)(*inputs)  # a call of `function` would count as a retrace, and warn


def _checked(op: Op, outputs: Outputs) -> list[tf.Tensor]:
    tensors = as_list(outputs)
    for tensor, spec in zip(tensors, op.node.specs, strict=False):
        if not (tf.is_tensor(tensor) and tensor.dtype == spec.dtype and spec.shape.is_compatible_with(tensor.shape)):
            received = f"{tensor.dtype.name}{tensor.shape}" if tf.is_tensor(tensor) else type(tensor).__name__
            raise UnsupportedOpError(
                f"a rule must return the outputs of its op. Got {received} in place of {spec.dtype.name}{spec.shape} "
                f"for {op.type} at {op.name!r}."
            )
    if len(tensors) != len(op.node.specs):
        raise UnsupportedOpError(
            f"a rule must return the {len(op.node.specs)} outputs of its op. Got {len(tensors)} for {op.type} at "
            f"{op.name!r}."
        )
    return tensors
