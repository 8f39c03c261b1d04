"""Inputs of which some features have the baseline's values."""

from collections.abc import Callable
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.metrics.evaluation import Arrays, Function, Rows
from deepexplain_tf.metrics.given import Features, Given

Mask = Callable[[Rows], tf.Tensor]  # rows → booleans [1 or rows, features]: True has the baseline's value


class Masked:
    """A function at the examples, with the features of a mask at the baseline's values.

    There is never an array of examples × masks × features.
    """

    def __init__(self, function: Function, given: Given, baseline: Arrays, features: Features, mask: Mask):
        """Args: the function; its examples; a baseline `[1 or batch, ...]` for each; the features; the masks."""
        self._of_each = [len(start) > 1 for start in baseline]
        self._own = [*given.inputs, *(start for start in baseline if len(start) > 1)]
        self._shared = [*features.ids, *(start for start in baseline if len(start) == 1)]
        self._mask = mask
        self._evaluate = function.at(self._points)

    def __call__(self, count: int, own: Arrays = (), shared: Arrays = ()) -> np.ndarray:
        """Returns values `[batch, count]` under masks number 0 … count − 1, which are made of `own` and `shared`."""
        return self._evaluate(count, [*self._own, *own], shared=[*self._shared, *shared])

    def _points(self, rows: Rows) -> list[Any]:
        n_own, n_shared, n_inputs = len(self._own), len(self._shared), len(self._of_each)
        mask = self._mask(dataclasses.replace(rows, own=rows.own[n_own:], shared=rows.shared[n_shared:]))
        of_each, of_all = iter(rows.own[n_inputs:n_own]), iter(rows.shared[n_inputs:n_shared])
        starts = [next(of_each if own else of_all) for own in self._of_each]
        parts = zip(rows.shared, starts, rows.own, strict=False)
        return [tf.where(tf.gather(mask, ids, axis=1), start, x) for ids, start, x in parts]


def masked_values(
    function: Function, given: Given, baseline: Arrays, features: Features, masks: np.ndarray
) -> np.ndarray:
    """Returns the function `[batch, masks]` under masks `[masks, features]`, the same for every example."""
    masked = Masked(function, given, baseline, features, lambda rows: tf.gather(rows.shared[0], rows.number))
    return masked(len(masks), shared=[masks])
