"""Whether a program is nothing but dense layers, in which a compiler saves TensorFlow's passes over the activations."""

from collections.abc import Collection, Iterable

from deepexplain_tf.graph.activity import active_ops
from deepexplain_tf.graph.ir import Value
from deepexplain_tf.graph.kinds import ELEMENTWISE, Kind, kind_of

_PRODUCT = "MatMul"
_BETWEEN = ELEMENTWISE | {"BiasAdd", "EnsureShape", "Reshape", "Squeeze", "StridedSlice"}


def is_dense(explained: Collection[Value], outputs: Iterable[Value]) -> bool:
    """Returns whether all ops that act on what varies are products with matrices and scalar functions, some of each.

    Args:
      explained: the values that vary.
      outputs: where the program ends.
    """
    found = list(active_ops(explained, outputs))
    functions = [kind_of(node, active) in (Kind.ACTIVATION, Kind.FUNCTION) for node, active in found]
    products = [node.type == _PRODUCT and len(active) == 1 for node, active in found]
    others = [node.type in _BETWEEN for node, _ in found]
    return any(products) and any(functions) and all(map(any, zip(functions, products, others, strict=True)))
