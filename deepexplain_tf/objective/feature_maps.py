"""The output of a layer inside the explained function as feature maps: which axes are positions, which are channels."""

from collections.abc import Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.errors import InputError, ModelError, OptionError
from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.convolutions import (
    channels_first,
    convolution_outputs,
    scope_output,
    takes_channels_first,
)
from deepexplain_tf.graph.ir import Program, Value
from deepexplain_tf.objective.shapes import count_rows, shape_with_rows

_RANKS = (3, 4, 5)


@dataclasses.dataclass(frozen=True)
class Axes:
    """The axes of a tensor besides its batch.

    Attributes:
      positions: the axes along which it has positions.
      channels: the axis of its channels, None where it has none.
    """

    positions: tuple[int, ...]
    channels: int | None

    @property
    def channels_last(self) -> list[int]:
        """The order of the axes in which the channels come last."""
        return [0, *self.positions, *([] if self.channels is None else [self.channels])]


@dataclasses.dataclass(frozen=True)
class FeatureMaps:
    """The output of a layer inside the explained function, and how its positions lie in the explained tensors.

    Attributes:
      value: the layer's output.
      axes: its axes.
      explained: the axes of each explained tensor, None for one on which the layer does not depend or that has no such
        positions.
    """

    value: Value
    axes: Axes
    explained: tuple[Axes | None, ...]

    def channels_last(self, maps: tf.Tensor) -> tf.Tensor:
        """Returns a tensor in the shape of `value` as `[batch, positions..., channels]`."""
        order = self.axes.channels_last
        return maps if order == sorted(order) else tf.transpose(maps, order)

    def sizes(self, number: int, explained: tf.Tensor) -> list[tf.Tensor]:
        """Returns the numbers of positions of the explained tensor `number` along its axes."""
        axes, shape = self.explained[number], tf.unstack(tf.shape(explained))
        return [shape[axis] for axis in axes.positions] if axes else []

    def over(self, maps: tf.Tensor, number: int, explained: tf.Tensor) -> tf.Tensor:
        """Returns a map `[rows, positions...]` over all channels of an explained tensor, in its shape and dtype.

        Args:
          maps: a map with as many positions as the explained tensor.
          number: the number of the explained tensor.
          explained: the explained tensor, `[any number, ...]`.
        """
        axes, maps = self.explained[number], tf.cast(maps, explained.dtype)
        if axes is not None and axes.channels is not None:
            maps = tf.expand_dims(maps, axes.channels)
            maps = tf.broadcast_to(maps, shape_with_rows(count_rows(maps), explained))
        maps.set_shape([None, *explained.shape[1:]])
        return maps


def feature_maps(program: Program, explained: Sequence[Value], inside: Sequence[Value], at: str | None) -> FeatureMaps:
    """Returns the feature maps of a layer.

    Args:
      program: the program explained tensors → outputs.
      explained: the explained tensors.
      inside: the layer's output, where it was marked in the trace.
      at: the layer's name; None for the layer of the last convolution.

    Raises:
      ModelError: there is no convolution, or a layer's output that is no floats.
      UnknownNameError: there is no name scope of this name.
      OptionError: the layer does not lie between the explained tensors and the outputs, or has no positions.
      InputError: no explained tensor has positions for the layer's.
    """
    if at is None:
        activity = analyse(explained, program.outputs)
        found = (value for value in convolution_outputs(program, activity) if _reaches(value, program))
        value = next(found, None)
        if value is None:
            raise ModelError(
                "a class activation map needs a convolution over several positions between the explained tensor and "
                "the target. Got none; name a layer with at=."
            )
    else:
        value = value_inside(program, explained, inside, at)
    _require_positions(value, at)
    first = channels_first(program)
    axes = _axes(value.shape.rank, first.get(value, False))
    places = tuple(_places(program, one, value, len(axes.positions)) for one in explained)
    if not any(places):
        shapes = ", ".join(str(one.shape) for one in explained)
        raise InputError(
            f"an explained tensor must have the positions of the layer's output {value.shape}, and may have channels. "
            f"Got {shapes}."
        )
    return FeatureMaps(value, axes, places)


def value_inside(program: Program, explained: Sequence[Value], inside: Sequence[Value], at: str) -> Value:
    """Returns the output of a layer between the explained tensors and the outputs; see `feature_maps`."""
    value = inside[0] if inside else scope_output(program, analyse(explained, program.outputs), at)
    _require_between(value, program, explained, at)
    return value


def _axes(rank: int, first: bool) -> Axes:
    channels = 1 if first else rank - 1
    return Axes(tuple(axis for axis in range(1, rank) if axis != channels), channels)


def _places(program: Program, explained: Value, value: Value, count: int) -> Axes | None:
    """Returns the axes of an explained tensor, None where a map with `count` axes does not lie over it."""
    rank = explained.shape.rank
    if rank not in (count + 1, count + 2) or value not in analyse([explained], [value]).varying:
        return None
    if rank == count + 1:
        return Axes(tuple(range(1, rank)), None)
    return _axes(rank, takes_channels_first(program, explained))


def _reaches(value: Value, program: Program) -> bool:
    """Whether an output depends on a value."""
    varying = analyse([value], program.outputs).varying
    return any(output in varying for output in program.outputs)


def _require_between(value: Value, program: Program, explained: Sequence[Value], at: str) -> None:
    if value not in analyse(explained, [value]).varying:
        raise OptionError(f"at must name a layer that depends on what is explained. Got {at!r}, which does not.")
    if not _reaches(value, program):
        raise OptionError(
            f"at must name a layer on which the target depends. Got {at!r}, on which it does not (a layer after the "
            'logit needs output="model").'
        )


def _require_positions(value: Value, at: str | None) -> None:
    name = value.node.name if at is None else at
    if value.shape.rank not in _RANKS:
        raise OptionError(
            "at must name a layer whose output is [batch, positions..., channels], with 1 to 3 axes of positions. Got "
            f"{name!r} of shape {value.shape}."
        )
    if not value.dtype.is_floating:
        raise ModelError(f"a layer's output must be floats to be a map. Got {value.dtype.name} of {name!r}.")
