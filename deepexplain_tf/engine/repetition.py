"""Calls that repeat an earlier one for other numbers, and take over what was read and checked for it."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import is_finite
from deepexplain_tf.arguments.containers import Contents
from deepexplain_tf.arguments.options import is_int, is_real
from deepexplain_tf.engine.call import Call
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.engine.targets import predicted
from deepexplain_tf.graph import tf_private
from deepexplain_tf.methods.base import Method


class Repetition:
    """The calls of one method with the same arguments.

    A call for an array of the same shape and dtype as that of the last call differs from it in numbers alone, unless a
    tape is recording, or the arguments hold arrays, which may have changed, or functions.
    """

    def __init__(self, engine: Engine, method: Method, arguments: dict[str, Any]):
        """Makes the calls; `arguments` are those of `preparation.prepare`."""
        self._engine, self._method, self._arguments = engine, method, arguments
        self._last: Call | None = None

    def prepare(self, inputs: Any) -> Call:
        """Returns the call for some inputs; see `preparation.prepare`."""
        last, numbers = self._last, type(inputs) is np.ndarray and inputs.dtype.kind in "fiu"
        if not numbers or not tf.executing_eagerly() or tf_private.tape_is_active():
            return prepare(self._engine, self._method, inputs, **self._arguments)
        if last is not None and _form(inputs) == _form(last.inputs[0]) and is_finite(inputs):
            call = dataclasses.replace(last, inputs=[inputs])
            if self._arguments.get("target") is None and not _single(call):
                call = dataclasses.replace(call, selection=predicted(self._engine, call.objective, [inputs]))
            call.method.check(lambda: [inputs], call.baseline, given=self._arguments.get("baseline") is not None)
            return call
        call = prepare(self._engine, self._method, inputs, **self._arguments)
        if self._repeats(call) and _form(inputs) == _form(call.inputs[0]):
            formal = np.broadcast_to(inputs.dtype.type(0), inputs.shape)  # keeps no example
            self._last = dataclasses.replace(call, inputs=[formal], contents=Contents(None))
        return call

    def _repeats(self, call: Call) -> bool:
        """Whether nothing but its one input decides about a call."""
        target, baseline = self._arguments.get("target"), self._arguments.get("baseline")
        fixed = target is None or all(map(is_int, target if isinstance(target, tuple) else (target,)))
        alone = len(call.inputs) == 1 and call.objective.prefix is None and call.contents.table is None
        plain = not call.differentiable and call.method.sets is None
        return alone and plain and fixed and (baseline is None or is_real(baseline))


def _single(call: Call) -> bool:
    """Whether the model has one unit; else the target None is the class that it predicts."""
    return call.objective.program.outputs[0].shape[1:].num_elements() == 1


def _form(array: np.ndarray) -> tuple[np.dtype, tuple[int, ...]]:
    return array.dtype, array.shape
