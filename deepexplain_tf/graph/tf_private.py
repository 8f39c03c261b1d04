"""The one place for private TensorFlow interfaces, each with the reason why no public one serves."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

# The file of a SavedModel, which is looked at before it is loaded, has no public type.
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel  # noqa: F401

# The registered gradient of an op, which a user's `tf.custom_gradient` is, has no public lookup.
from tensorflow.python.framework import ops

# Only `FuncGraph` knows the Python graph of a function called inside it; the public GraphDef loses the
# identity of tensors, which layer marks and the closures of custom gradients refer to.
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph


def function_graph(graph: tf.Graph, name: str) -> FuncGraph:
    """Returns the graph of the function `name` that an op of `graph` calls; KeyError where there is none."""
    owner = graph
    while (function := owner._get_function(name)) is None:  # the graphs around it know the functions of a GraphDef
        owner = getattr(owner, "outer_graph", None)
        if owner is None:
            raise KeyError(name)
    found = getattr(function, "graph", None)
    if isinstance(found, FuncGraph):
        return found
    with owner.as_default():
        return function_def_to_graph(function.cached_definition)


def gradient_function(op: tf.Operation) -> Callable[..., Any]:
    """Returns the gradient registered for `op`, called as `(op, *upstream)`; LookupError where there is none."""
    return ops.get_gradient_function(op)


def nested_graph(name: str, outer: tf.Graph) -> FuncGraph:
    """Returns a new graph in which tensors of `outer` can be read; they become captures."""
    with outer.as_default():
        return FuncGraph(name)
