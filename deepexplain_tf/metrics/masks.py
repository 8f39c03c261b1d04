"""A function evaluated with some features of its inputs at the baseline's values."""

from collections.abc import Callable
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.metrics.arguments import Examples, Features
from deepexplain_tf.metrics.evaluation import Arrays, Function, Rows

Mask = Callable[[Rows], tf.Tensor]  # rows → booleans [1 or rows, features], True: at the baseline's value


class Masked:
    """A function at the examples, with the features of a mask at the baseline's values.

    It never makes an array of examples × masks × features.
    """

    def __init__(self, function: Function, examples: Examples, baseline: Arrays, features: Features, mask: Mask):
        """Takes a baseline `[1 or batch, ...]` for each input; `mask` returns the features to replace in some rows."""
        self._is_shared = [len(x0) == 1 for x0 in baseline]
        self._per_example = [*examples.inputs, *(x0 for x0 in baseline if len(x0) > 1)]
        self._shared = [*features.ids, *(x0 for x0 in baseline if len(x0) == 1)]
        self._mask = mask
        self._evaluate = function.evaluation(self._points)

    def __call__(self, count: int, per_example: Arrays = (), shared: Arrays = ()) -> np.ndarray:
        """Returns values `[batch, count]` under masks 0 … count − 1; `mask` gets these arrays in its `Rows`."""
        return self._evaluate(count, [*self._per_example, *per_example], shared=[*self._shared, *shared])

    def _points(self, rows: Rows) -> list[Any]:
        n_inputs, n_per_example, n_shared = len(self._is_shared), len(self._per_example), len(self._shared)
        mask = self._mask(
            dataclasses.replace(rows, per_example=rows.per_example[n_per_example:], shared=rows.shared[n_shared:])
        )
        separate, common = iter(rows.per_example[n_inputs:n_per_example]), iter(rows.shared[n_inputs:n_shared])
        baseline = [next(common if shared else separate) for shared in self._is_shared]
        parts = zip(rows.shared, baseline, rows.per_example, strict=False)
        return [tf.where(tf.gather(mask, ids, axis=1), x0, x) for ids, x0, x in parts]


def masked_values(
    function: Function, examples: Examples, baseline: Arrays, features: Features, masks: np.ndarray
) -> np.ndarray:
    """Returns values `[batch, masks]` under masks `[masks, features]`, the same masks for every example."""
    masked = Masked(function, examples, baseline, features, lambda rows: tf.gather(rows.shared[0], rows.point))
    return masked(len(masks), shared=[masks])
