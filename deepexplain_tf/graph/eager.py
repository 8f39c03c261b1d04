"""Ops run at once, outside of any graph: a program that runs once need not become a function first."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.ir import Node


def run_eagerly(node: Node, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the outputs of an op.

    Raises:
      NotImplementedError: an attribute is a function, or a tensor of an op other than `Const`.
    """
    if node.type == "Const":
        return [tf.constant(tf.make_ndarray(node.attrs["value"].tensor), node.specs[0].dtype)]
    attrs = {name: _python_value(value) for name, value in node.attrs.items() if not name.startswith("_")}
    return tf_private.execute(node.type, len(node.specs), inputs, attrs)


def _python_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "shape":
        return _sizes(value.shape)
    if kind == "list":
        (*entries,) = value.list.ListFields()
        if not entries:
            return []
        ((field, found),) = entries
        if field.name in ("func", "tensor"):
            raise NotImplementedError(f"attributes of kind {field.name}")
        return [_sizes(shape) for shape in found] if field.name == "shape" else list(found)
    if kind not in ("s", "i", "f", "b", "type"):
        raise NotImplementedError(f"attributes of kind {kind}")
    return getattr(value, kind)


def _sizes(shape: Any) -> list[int] | None:
    return None if shape.unknown_rank else [dimension.size for dimension in shape.dim]
