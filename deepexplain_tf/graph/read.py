"""Reads TensorFlow graphs into records: function calls are inlined, captures and custom gradients are kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from deepexplain_tf.errors import ModelError, brief, shortened
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.ir import ARGUMENT, CAPTURE, Node, Program, Value
from deepexplain_tf.graph.kinds import BRANCHES, CALLS, COMPILED, LOOP_V1, LOOPS

_CUSTOM_GRADIENT = "_gradient_op_type"
_DROPPED_ATTRS = {"_class", "_output_shapes", "_user_specified_name", _CUSTOM_GRADIENT}
_COMPILED_CALL = "_XlaMustCompile"
_BODY_ATTRS = ("cond", "body", "then_branch", "else_branch")


def argument(name: str, spec: tf.TensorSpec) -> Value:
    """Returns a new input for a program, with the dtype and shape of `spec`."""
    return Node(name, ARGUMENT, (), (tf.TensorSpec(spec.shape, spec.dtype),)).output()


class Reader:
    """Reads tensors of one graph as values; each function that the graph calls gets a reader of its own.

    Attributes:
      inner: the readers of the called functions, loop and branch bodies included, in the order of the calls.
      lost: the names of ops whose custom gradient is lost; inner readers share this list.
    """

    def __init__(
        self, graph: tf.Graph, bound: Mapping[str, Value], outer: "Reader | None" = None, compiled: bool = False
    ):
        """Makes a reader.

        Args:
          graph: the graph to read.
          bound: the values of its placeholders, by tensor name.
          outer: the reader of the graph that calls this one, or None.
          compiled: whether the model compiles the graph with XLA.
        """
        self._graph = graph
        self._compiled: bool = compiled or (outer is not None and outer._compiled)
        self._values = dict(bound)
        self._custom_gradients: bool = outer is None or outer._custom_gradients
        self.inner: list[Reader] = []
        self.lost: list[str] = [] if outer is None else outer.lost

    def forget_custom_gradients(self) -> None:
        """Treats custom gradients as lost: in a graph from a file, their names mean nothing."""
        self._custom_gradients = False

    def read(self, tensors: Sequence[tf.Tensor]) -> tuple[Value, ...]:
        """Returns the values of tensors of this graph.

        Raises:
          ModelError: the graph is malformed, has loops of TensorFlow 1, or has a placeholder that is no input.
        """
        for op in self._unread(tensors):
            if all(tensor.name in self._values for tensor in op.outputs):
                continue  # read meanwhile, for a custom gradient
            for tensor, value in zip(op.outputs, self._convert(op), strict=True):
                self._values[tensor.name] = value
        return tuple(self._values[tensor.name] for tensor in tensors)

    def find(self, tensor: tf.Tensor) -> Value | None:
        """Returns the value of a tensor of this graph or of a function that it calls, None if it was not read."""
        if tensor.graph is self._graph:
            return self._values.get(tensor.name)
        values = (reader.find(tensor) for reader in self.inner)
        return next((value for value in values if value is not None), None)

    def has_unseen_use(self, handles: Collection[Any], seen: Collection[tf.Graph]) -> bool:
        """Whether a called function whose graph is not in `seen` captures one of the variables' `handles`."""
        for reader in self.inner:
            used = any(outer is handle for outer, _ in reader._graph.captures for handle in handles)
            if (used and reader._graph not in seen) or reader.has_unseen_use(handles, seen):
                return True
        return False

    def _unread(self, tensors: Sequence[tf.Tensor]) -> Iterator[tf.Operation]:
        """Yields the unread ops that `tensors` need, in topological order."""
        entered: set[str] = set()
        done: set[str] = set()
        stack = [(tensor.op, False) for tensor in reversed(tensors) if tensor.name not in self._values]
        while stack:
            op, ready = stack.pop()
            if ready:
                done.add(op.name)
                yield op
            elif op.name not in done:
                if op.type in LOOP_V1:
                    raise ModelError(
                        f"loops and branches must have the form of TensorFlow 2. Got {op.type} at {op.name!r}; freeze "
                        "the model with lower_control_flow=False, or pass a SavedModel."
                    )
                if op.name in entered:
                    raise ModelError(f"a program must have no cycle of ops. Got one through {op.name!r} ({op.type}).")
                entered.add(op.name)
                stack.append((op, True))
                stack.extend((tensor.op, False) for tensor in op.inputs if tensor.name not in self._values)

    def _convert(self, op: tf.Operation) -> Sequence[Value]:
        if op.type == "Placeholder":
            raise ModelError(f"every placeholder of a model must be an input. Got {op.name!r}, which is none.")
        inputs = tuple(self._values[tensor.name] for tensor in op.inputs)
        if op.type in CALLS | LOOPS | BRANCHES and self._custom_gradients:
            _require_own_gradient(op)
        if op.type in CALLS:
            return self._enter(op, inputs)
        attrs = dict(op.node_def.attr)
        bodies = self._bodies(op, attrs) if op.type in LOOPS | BRANCHES else {}
        gradient, reason = self._custom_gradient(op) if _CUSTOM_GRADIENT in attrs else (None, "")
        node = Node(
            name=op.name,
            type=op.type,
            inputs=inputs,
            specs=tuple(tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in op.outputs),
            attrs={key: attrs[key] for key in attrs.keys() - _DROPPED_ATTRS - {*_BODY_ATTRS, "branches"}},
            device=_device(op.device),
            bodies=bodies,
            gradient=gradient,
            compiled=self._compiled and op.type in COMPILED,
        )
        return tuple(_prevented(value, reason) for value in node.outputs()) if reason else node.outputs()

    def _enter(self, op: tf.Operation, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        graph, outputs = self._function(op, op.get_attr("f").name)
        _require_signature(op, "f", inputs, graph.inputs, op.outputs, outputs)
        bound = {tensor.name: value for tensor, value in zip(graph.inputs, inputs, strict=True)}
        reader = Reader(graph, bound, self, compiled=op.node_def.attr[_COMPILED_CALL].b)
        self.inner.append(reader)
        return reader.read(outputs)

    def _bodies(self, op: tf.Operation, attrs: Mapping[str, Any]) -> dict[str, Program]:
        """Reads the programs inside a loop or branch."""
        names = {key: attrs[key].func.name for key in _BODY_ATTRS if key in attrs}
        branches = attrs["branches"].list.func if "branches" in attrs else ()
        names.update({f"branch_{number}": function.name for number, function in enumerate(branches)})
        inputs = list(op.inputs)[1:] if op.type in BRANCHES else op.inputs
        bodies = {key: self._body(*self._function(op, name)) for key, name in names.items()}
        for key, body in bodies.items():
            outputs = op.outputs if key != "cond" else body.outputs[:1]
            _require_signature(op, key, inputs, body.inputs, outputs, body.outputs)
        return bodies

    def _function(self, op: tf.Operation, name: str) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
        """Returns the graph and the outputs of a function that an op calls."""
        try:
            return tf_private.function_graph(self._graph, name)
        except Exception as error:  # an inconsistent FunctionDef
            raise ModelError(
                f"a called function must be readable. Got {shortened(name)}, which {shortened(op.name)} "
                f"({op.type}) calls: {brief(error)}"
            ) from None

    def _body(self, graph: tf.Graph, outputs: Sequence[tf.Tensor]) -> Program:
        arguments = tuple(argument(tensor.op.name, tensor) for tensor in graph.inputs)
        bound = dict(zip((tensor.name for tensor in graph.inputs), arguments, strict=True))
        reader = Reader(graph, bound, self)
        self.inner.append(reader)
        return Program(arguments, reader.read(outputs))

    def _custom_gradient(self, op: tf.Operation) -> tuple[Program | None, str]:
        """Reads an op's custom gradient as a program of the upstream gradients and of the op's outputs.

        Returns:
          The program, None if it cannot be read; and the error if the user's function raises one or reads a tensor of
          an enclosing program, else `""`.
        """
        if not self._custom_gradients:
            self.lost.append(op.name)
            return None, ""
        scratch = tf_private.nested_graph("custom_gradient", op.graph)
        with scratch.as_default():
            upstream = [tf.compat.v1.placeholder(tensor.dtype, tensor.shape) for tensor in op.outputs]
            try:
                function = tf_private.gradient_function(op)
            except LookupError:
                self.lost.append(op.name)
                return None, ""
            try:
                gradients = function(op, *upstream)
            except Exception as error:  # whatever the user's function raises
                return None, brief(error)
            gradients = list(gradients) if isinstance(gradients, list | tuple) else [gradients]
            gradients = [
                tf.zeros_like(tensor) if gradient is None else gradient
                for tensor, gradient in zip(op.inputs, gradients, strict=True)
            ]
        arguments = tuple(argument(f"{op.name}/upstream", tensor) for tensor in upstream)
        bound = dict(zip((tensor.name for tensor in upstream), arguments, strict=True))
        outputs = {tensor.name: argument(f"{op.name}/output", tensor) for tensor in op.outputs}
        for outer, inner in scratch.captures:
            value = self._outside(outer, inner, outputs)
            if value is None:
                return None, f"a custom gradient in a loop must read no tensor from outside of it. Got {outer.name!r}"
            bound[inner.name] = value
        return Program((*arguments, *outputs.values()), Reader(scratch, bound).read(gradients)), ""

    def _outside(self, outer: tf.Tensor, inner: tf.Tensor, outputs: Mapping[str, Value]) -> Value | None:
        """Returns the value of a tensor that a custom gradient captures, None if this graph does not have it.

        Args:
          outer: the tensor.
          inner: the placeholder that stands for it inside the gradient.
          outputs: the values of the op's own outputs, which are not read yet.
        """
        if not hasattr(outer, "graph") or hasattr(outer, "numpy"):
            return capture(inner.name, inner, outer)
        if outer.graph is not self._graph:
            placeholders = [placeholder for external, placeholder in self._graph.captures if external is outer]
            if not placeholders:
                return None
            outer = placeholders[0]
        return outputs[outer.name] if outer.name in outputs else self.read([outer])[0]


def _require_own_gradient(op: tf.Operation) -> None:
    """Refuses an override of the gradient of a whole function, loop or branch, which is entered op by op."""
    override = op.node_def.attr[_CUSTOM_GRADIENT].s.decode() if _CUSTOM_GRADIENT in op.node_def.attr else ""
    if override and not override.startswith("PartitionedCall-"):  # TensorFlow's own name for a function's gradient
        raise ModelError(
            f"a gradient_override_map must be for ops that are no function, loop or branch. Got {shortened(override)} "
            f"at {op.name!r} ({op.type}); write it as a tf.custom_gradient."
        )


def _require_signature(
    op: tf.Operation,
    key: str,
    given: Sequence[Any],
    inputs: Sequence[Any],
    results: Sequence[Any],
    outputs: Sequence[Any],
) -> None:
    """Checks that a function takes and returns as many tensors as the op that calls it, with the same dtypes."""
    wanted, actual = (
        [[t.dtype.name for t in tensors] for tensors in pair] for pair in ((given, results), (inputs, outputs))
    )
    if wanted != actual or not outputs:
        raise ModelError(
            f"a function must take and return the dtypes of its op, {shortened(wanted)}. Got {shortened(actual)} for "
            f"{key!r} at {shortened(op.name)} ({op.type})."
        )


def capture(name: str, inner: tf.Tensor, outer: tf.Tensor) -> Value:
    """Returns a value for `outer`, a tensor from outside the program, with the dtype and shape of `inner`."""
    return Node(name, CAPTURE, (), (_spec(inner),), tensor=outer).output()


def _device(name: str) -> str:
    """Returns a device name without the job and task of another machine, which a file may contain."""
    spec = tf.DeviceSpec.from_string(name)
    known = {tf.DeviceSpec.from_string(device.name).job for device in tf.config.list_logical_devices()}
    return name if spec.job in (None, *known) else spec.replace(job=None, replica=None, task=None).to_string()


def _prevented(value: Value, reason: str) -> Value:
    """Returns `value` behind an op whose gradient is an error that states the `reason`."""
    attrs = {
        "T": tf.compat.v1.AttrValue(type=value.dtype.as_datatype_enum),
        "message": tf.compat.v1.AttrValue(s=reason.encode()),
    }
    return Node(f"{value.node.name}/no_gradient", "PreventGradient", (value,), (value.spec,), attrs).output()


def read_function(function: Any, *, custom_gradients: bool = True) -> tuple[Program, Reader]:
    """Reads a ConcreteFunction: its inputs become arguments; captures are kept by reference, variables by name too.

    Args:
      function: the ConcreteFunction.
      custom_gradients: False if the graph's custom gradients are not registered in this process.

    Returns:
      The program, and the reader of the function's graph.

    Raises:
      ModelError: the graph cannot be read; see `Reader.read`.
    """
    graph = function.graph
    bound, arguments = {}, []
    outside = {inner.name: outer for outer, inner in graph.captures}
    names = {id(variable.handle): variable.name.partition(":")[0] for variable in graph.variables}
    for tensor in graph.inputs:
        if tensor.name in outside:
            bound[tensor.name] = capture(names.get(id(outside[tensor.name]), tensor.name), tensor, outside[tensor.name])
        else:
            bound[tensor.name] = argument(tensor.op.name, tensor)
            arguments.append(bound[tensor.name])
    reader = Reader(graph, bound)
    if not custom_gradients:
        reader.forget_custom_gradients()
    return Program(tuple(arguments), reader.read(graph.outputs)), reader


def _spec(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tensor.dtype)
