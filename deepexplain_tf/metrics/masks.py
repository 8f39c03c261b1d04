"""Inputs of which some features have the baseline's values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.given import Features, Given


def masked_values(
    function: Function, given: Given, baseline: Sequence[np.ndarray], features: Features, masks: np.ndarray
) -> np.ndarray:
    """Returns the function `[batch, masks]` where the features of a mask `[masks, features]` have the baseline's value.

    The masks are the same for every example; there is never an array of examples × masks × features.
    """
    n_inputs = len(given.inputs)
    each = [start for start in baseline if len(start) > 1]
    alike = [start for start in baseline if len(start) == 1]

    def points(number: Any, own: Sequence[Any], shared: Sequence[Any]) -> list[Any]:
        mask = tf.gather(shared[0], number)
        ids = shared[1 : 1 + n_inputs]
        each, alike = iter(own[n_inputs:]), iter(shared[1 + n_inputs :])
        starts = [next(each if len(start) > 1 else alike) for start in baseline]
        return [
            tf.where(tf.gather(mask, ids, axis=1), start, x)
            for ids, start, x in zip(ids, starts, own[:n_inputs], strict=True)
        ]

    return function.values(points, len(masks), [*given.inputs, *each], [masks, *features.ids, *alike])
