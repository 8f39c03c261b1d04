"""Recognises programs of dense layers only, where a compiler saves TensorFlow's passes over the activations."""

from collections.abc import Collection, Iterable

from deepexplain_tf.graph.activity import active_ops
from deepexplain_tf.graph.ir import Value
from deepexplain_tf.graph.kinds import ELEMENTWISE, Kind, kind_of

_PRODUCT = "MatMul"
_BETWEEN = ELEMENTWISE | {"BiasAdd", "EnsureShape", "Reshape", "Squeeze", "StridedSlice"}


def is_dense(explained: Collection[Value], outputs: Iterable[Value]) -> bool:
    """Returns whether the active ops are matrix products, scalar functions (some of each) and ops such as BiasAdd.

    Args:
      explained: the explained values.
      outputs: the program's outputs.
    """
    ops = list(active_ops(explained, outputs))
    functions = [kind_of(node, active) in (Kind.ACTIVATION, Kind.FUNCTION) for node, active in ops]
    products = [node.type == _PRODUCT and len(active) == 1 for node, active in ops]
    between = [node.type in _BETWEEN or (node.type == "Einsum" and len(active) == 1) for node, active in ops]
    return any(products) and any(functions) and all(map(any, zip(functions, products, between, strict=True)))
