"""The results of methods in the dtypes of what is explained."""

import tensorflow as tf

from deepexplain_tf.methods.base import Result
from deepexplain_tf.objective.objective import Objective


def cast_result(result: Result, objective: Objective, *, pairwise: bool) -> Result:
    """Casts attributions to the dtypes of the explained tensors; exactly 0 where the target does not depend on one."""
    if pairwise:
        dtype = objective.explained[0].dtype
        return {**result, "attributions": [_cast(tensor, dtype) for tensor in result["attributions"]]}
    for name in ("attributions", "standard_error"):
        if name in result:
            triples = zip(result[name], objective.explained, objective.depends, strict=True)
            result[name] = [_cast(tensor if depends else tensor * 0, value.dtype) for tensor, value, depends in triples]
    return result


def _cast(tensor: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return tf.cast(tensor, dtype) if dtype.is_floating else tensor
