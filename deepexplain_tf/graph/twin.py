"""The signals that a walk carries: one tensor per value, or two in a walk at two points."""

from typing import NamedTuple, TypeAlias

import tensorflow as tf


class Twin(NamedTuple):
    """A value at the input and the same value at the baseline."""

    x: tf.Tensor
    baseline: tf.Tensor


Signal: TypeAlias = tf.Tensor | Twin


def at_x(signal: Signal) -> tf.Tensor:
    """Returns the value at the input."""
    return signal.x if isinstance(signal, Twin) else signal


def at_baseline(signal: Signal) -> tf.Tensor:
    """Returns the value at the baseline; a single tensor is the value at both points."""
    return signal.baseline if isinstance(signal, Twin) else signal


def flatten(signals: list[Signal]) -> list[tf.Tensor]:
    """Returns the tensors of signals, two for each twin."""
    return [tensor for signal in signals for tensor in (signal if isinstance(signal, Twin) else (signal,))]


def pack_like(signals: list[Signal], tensors: list[tf.Tensor]) -> list[Signal]:
    """Packs tensors into signals, with a twin wherever `signals` has one."""
    rest = iter(tensors)
    return [Twin(next(rest), next(rest)) if isinstance(signal, Twin) else next(rest) for signal in signals]
