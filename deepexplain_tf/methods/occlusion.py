"""Occlusion: the drop of the target when a window of the input is replaced by the baseline."""

from collections.abc import Sequence
import dataclasses
import math
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require
from deepexplain_tf.errors import OptionError
from deepexplain_tf.masking.masked import masked_values
from deepexplain_tf.masking.windows import Windows
from deepexplain_tf.methods.base import METHODS, Data, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.players import PlayerMethod, carried, players_of
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import as_column
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

_NORMALISE = ("count", "window", "none")


@METHODS.register("occlusion")
@dataclasses.dataclass(frozen=True)
class Occlusion(PlayerMethod):
    """Σ F(x) − F(x with w at the baseline) over the windows w that cover a feature, normalised.

    In units of the target; not complete. Windows start at 0, stride, 2·stride, … along each axis, up to the first
    window that reaches the end of the axis, where it is clipped. With several explained tensors, one is occluded at a
    time. A feature that no window covers is NaN. With `groups`, each group is one window, also across tensors, and all
    its members carry its drop.

    Attributes:
      window_shape: a whole number per non-batch axis, channels included, from 1 to the length of the axis; with
        several explained tensors, such a tuple for each; default all ones.
      strides: whole numbers ≥ 1 in the form of `window_shape`; default all ones.
      normalise: `"count"` divides the sum by the number of windows that cover the feature; `"window"` divides it
        also by the size of the window, as DeepExplain does; `"none"` leaves it.
      groups: which elements are one group, see `PlayerMethod`; excludes the other options.

    References:
      Zeiler, Fergus, ECCV 2014, https://arxiv.org/abs/1311.2901. Ancona et al., ICLR 2018,
      https://arxiv.org/abs/1711.06104.
    """

    graph_options: ClassVar[tuple[str, ...]] = ("normalise",)
    window_shape: Any = None
    strides: Any = None
    normalise: str = "count"

    def __post_init__(self) -> None:
        known = ", ".join(map(repr, _NORMALISE))
        require(
            isinstance(self.normalise, str) and self.normalise in _NORMALISE,
            "normalise",
            f"one of {known}",
            self.normalise,
        )
        if self.groups is not None:
            for option in ("window_shape", "strides"):
                value = getattr(self, option)
                require(value is None, option, "left out where groups are given", value)
            require(self.normalise == "count", "normalise", "left out where groups are given", self.normalise)

    @property
    def cost(self) -> str:
        return f"one evaluation of the model for each {'window' if self.groups is None else 'group'}"

    def data(self, layout: Layout) -> Data:
        if self.groups is not None:
            players = self.players(layout)
            return {**players.data, "n_groups": np.int32(players.count)}
        windows, strides = (_per_axis(option, getattr(self, option), layout) for option in ("window_shape", "strides"))
        data: dict[str, np.ndarray] = {}
        for number, (shape, window, stride) in enumerate(zip(layout.lengths, windows, strides, strict=True)):
            if any(size > length for size, length in zip(window, shape, strict=True)):
                raise OptionError(f"window_shape must fit into the input's {list(shape)}. Got {list(window)}.")
            data[f"window_{number}"] = np.asarray(window, np.int32)
            for axis, lengths in enumerate(zip(shape, window, stride, strict=True)):
                data[f"starts_{number}_{axis}"] = _starts(*lengths)
        return data

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        if self.groups is not None:
            return super().shares(layout, objective, attributions)
        if self.normalise != "count":
            return list(attributions)
        windows = _per_axis("window_shape", self.window_shape, layout)
        return [array / math.prod(window) for array, window in zip(attributions, windows, strict=True)]

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        baselines = scope.expand_baseline(baseline)
        target = scope.value(scope.explained)
        if "n_groups" in data:
            attributions = _drops_of_groups(scope, baselines, target, players_of(data), data["n_groups"], chunks)
        else:
            attributions = []
            for number, x in enumerate(scope.explained):
                starts = [data[f"starts_{number}_{axis}"] for axis in range(len(x.shape) - 1)]
                windows = Windows(starts, data[f"window_{number}"], tf.shape(x)[1:])
                attributions.append(self._occlude(scope, baselines, target, number, windows, chunks))
        return {"attributions": attributions, "outputs": target, "baseline_outputs": scope.value(baselines)}

    def _occlude(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        target: tf.Tensor,
        number: int,
        windows: Windows,
        chunks: Chunks,
    ) -> tf.Tensor:
        """Returns the attribution of one explained tensor."""

        def kept(index: tf.Tensor) -> list[tf.Tensor]:
            masks = [tf.ones([1] * len(x.shape), tf.bool) for x in scope.explained]
            masks[number] = ~windows.covered(index)
            return masks

        drops = target[:, tf.newaxis] - masked_values(scope, baseline, kept, windows.count, chunks)
        total = windows.sum_over(drops)
        covering = tf.cast(windows.covering(), total.dtype)
        if self.normalise != "none":
            total /= covering
        if self.normalise == "window":
            total /= tf.cast(tf.reduce_prod(windows.shape), total.dtype)
        return tf.where(covering > 0, total, tf.constant(math.nan, total.dtype))


def _drops_of_groups(
    scope: Scope,
    baseline: Sequence[tf.Tensor],
    target: tf.Tensor,
    groups: Sequence[tf.Tensor],
    count: tf.Tensor,
    chunks: Chunks,
) -> list[tf.Tensor]:
    """Returns the drop of each element's group, for each explained tensor."""

    def kept(index: tf.Tensor) -> list[tf.Tensor]:
        return [ids[tf.newaxis] != as_column(index, ids[tf.newaxis]) for ids in groups]

    drops = target[:, tf.newaxis] - masked_values(scope, baseline, kept, count, chunks)
    return carried(tf.where(tf.math.is_finite(drops), drops, tf.constant(math.nan, drops.dtype)), groups)


def _starts(length: int, window: int, stride: int) -> np.ndarray:
    """Returns the first positions of the windows along an axis."""
    count = math.ceil((length - window) / stride) + 1
    starts = np.arange(count, dtype=np.int32) * stride
    return starts[starts < length]


def _per_axis(option: str, given: Any, layout: Layout) -> list[tuple[int, ...]]:
    """Returns one tuple of whole numbers per explained tensor, by default all ones."""
    if given is None:
        return [(1,) * len(shape) for shape in layout.lengths]
    return layout.whole_numbers(option, given)
