"""The one place for private TensorFlow interfaces, each with the reason why no public one serves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
import contextlib
import functools
import os
from typing import Any

import tensorflow as tf

# No public interface writes StableHLO as an artifact that other releases read.
from tensorflow.compiler.mlir.stablehlo import stablehlo

# A SavedModel's file is checked before it is loaded, and only the file names its custom gradients; its protocol buffer
# has no public type.
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

# Public functions run ops by their Python arguments; this one by the attributes that a graph records. Tapes that are
# recording have no public list.
from tensorflow.python.eager import context, execute as eager_execute, record

# Registered gradients, such as a user's `tf.custom_gradient`, have no public lookup.
from tensorflow.python.framework import ops

# Only `FuncGraph` knows the Python graph of a function called inside it; the public GraphDef loses the
# identity of tensors, which layer marks and the closures of custom gradients refer to.
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

# A graph does not tell in public that XLA will compile it.
from tensorflow.python.ops import control_flow_util

# A public read of a variable, which tells tapes of it, is an op that would run at each call.
from tensorflow.python.ops.resource_variable_ops import variable_accessed


def function_graph(graph: tf.Graph, name: str) -> tuple[FuncGraph, list[tf.Tensor]]:
    """Returns the graph and the outputs of the function `name` that an op of `graph` calls.

    A tape that has differentiated the function has added outputs to its graph, which the function does not return.

    Raises:
      KeyError: there is no such function.
    """
    owner = graph
    while (function := owner._get_function(name)) is None:  # outer graphs hold an imported GraphDef's functions
        owner = getattr(owner, "outer_graph", None)
        if owner is None:
            raise KeyError(name)
    traced = getattr(function, "graph", None)
    if isinstance(traced, FuncGraph):
        return traced, list(traced.outputs[: len(function.cached_definition.signature.output_arg)])
    with owner.as_default():
        read = function_def_to_graph(function.cached_definition)
    return read, list(read.outputs)


def execute(kind: str, count: int, inputs: Sequence[tf.Tensor], attrs: Mapping[str, Any]) -> list[tf.Tensor]:
    """Runs an op of a type at once; returns its `count` outputs."""
    flat = [part for pair in attrs.items() for part in pair]
    return list(eager_execute.execute(kind, count, list(inputs), tuple(flat), context.context()))


def call_traced(function: Any, arguments: Sequence[Any], captured: Sequence[tf.Tensor] | None = None) -> Any:
    """Calls a `tf.ConcreteFunction` with structures of tensors that fit it, where nothing is recording.

    The public call first compares each argument with the traced type, which takes longer than a small program, and
    takes no other tensors in the place of the captured ones.
    """
    captured = function.captured_inputs if captured is None else captured
    return function.inference_fn.call_preflattened([*tf.nest.flatten(arguments), *captured])


def mirrored(handle: Any) -> Any:
    """Returns the variable with a copy on each replica of a strategy, one of which has this handle; None for another.

    In public, a variable has copies; of a copy, only some strategies tell the variable.
    """
    return getattr(handle, "_distributed_container", lambda: None)()


def handles_of(variable: tf.Variable) -> list[Any]:
    """Returns the handles of all copies of a variable; of the first copy first."""
    if isinstance(variable, tf.distribute.DistributedValues):
        return [copy.handle for copy in variable.distribute_strategy.experimental_local_results(variable)]
    return [variable.handle]


def own_handle(handle: Any) -> Any:
    """Returns the handle of the copy on the replica that is running, outside of replicas the first.

    What is no copy stays; outside of replicas also a copy that is synchronized where it is read, as a mean of all.
    """
    variable = mirrored(handle)
    if variable is None:
        return handle
    strategy = tf.distribute.get_strategy()
    if strategy is variable.distribute_strategy and not tf.distribute.in_cross_replica_context():
        return variable.handle
    return handle if variable.synchronization is tf.VariableSynchronization.ON_READ else handles_of(variable)[0]


def follow_replicas(function: Any) -> None:
    """Has each call of a traced function read the copies of variables on the replica that is running.

    In public, what a function captures is fixed when it is traced.
    """
    captured = function.captured_inputs
    if any(mirrored(tensor) is not None for tensor in captured):
        function.set_external_captures([functools.partial(own_handle, tensor) for tensor in captured])


def gradient_function(op: tf.Operation) -> Callable[..., Any]:
    """Returns the gradient registered for `op`, called as `(op, *upstream)`; raises LookupError if there is none."""
    return ops.get_gradient_function(op)


def has_gradient(op_type: str) -> bool:
    """Whether TensorFlow can differentiate ops of a type."""
    try:
        ops.gradient_registry.lookup(op_type)
    except LookupError:
        return False
    return op_type != "PreventGradient"  # its registered gradient only raises


def watch_variables(variables: Iterable[tf.Variable]) -> None:
    """Tells the graph being built and active tapes of variables that are read by their handles alone."""
    for variable in variables:
        variable_accessed(variable)


def tape_watches(tensors: Sequence[tf.Tensor]) -> bool:
    """Whether an active `tf.GradientTape` watches one of these tensors; a tape does not tell that in public."""
    return bool(record.should_record_backprop(list(tensors)))


def xla_compiles_graph() -> bool:
    """Whether XLA will compile the graph being built."""
    return bool(control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def tape_is_active() -> bool:
    """Whether a `tf.GradientTape` is recording; no public interface tells that."""
    return bool(record.could_possibly_record())


def drop_custom_gradients(function: Any) -> None:
    """Removes custom gradients, of users and of rules, from a traced function and all functions that it calls.

    Saving a function traces its custom gradients, which fails for ops inside another gradient. An op names its custom
    gradient in an attribute that no public interface removes.
    """
    graphs = [function.graph]
    for graph in graphs:  # the list grows meanwhile
        for op in graph.get_operations():
            if "_gradient_op_type" in op.node_def.attr:
                op._clear_attr("_gradient_op_type")
        called = [getattr(inner, "graph", None) for inner in graph._functions.values()]
        graphs += [inner for inner in called if inner is not None and inner not in graphs]


def nested_graph(name: str, outer: tf.Graph) -> FuncGraph:
    """Returns a new graph in which tensors of `outer` can be read; they become captures."""
    with outer.as_default():
        return FuncGraph(name)


def portable_stablehlo(module: str, version: str) -> bytes:
    """Returns a StableHLO module as an artifact for StableHLO `version` and all later releases."""
    return bytes(stablehlo.serialize_portable_artifact_str(module, version))


def saved_model(path: str) -> SavedModel:
    """Returns the protocol buffer in the file of a SavedModel folder."""
    saved = SavedModel()
    with open(os.path.join(path, "saved_model.pb"), "rb") as file:
        saved.ParseFromString(file.read())
    return saved


def has_custom_gradients(path: str) -> bool:
    """Whether a SavedModel folder holds the custom gradients of its functions."""
    return any(graph.graph_def.library.registered_gradients for graph in saved_model(path).meta_graphs)


def legacy_safe_mode() -> contextlib.AbstractContextManager[Any]:
    """Returns a scope in which tf_keras runs no code from a file; its HDF5 loader has no argument for that."""
    from tf_keras.src.saving.serialization_lib import SafeModeScope  # an optional package

    return SafeModeScope(safe_mode=True)
