"""Score-CAM: activations of a layer, weighted by the target for inputs that each channel masks."""

from collections.abc import Sequence
import dataclasses
from typing import ClassVar

import tensorflow as tf

from deepexplain_tf.errors import InputError
from deepexplain_tf.methods.activation_maps import ClassActivationMap, positions
from deepexplain_tf.methods.base import METHODS, Result, TensorData
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations, target_values, wide_dtype
from deepexplain_tf.objective.feature_maps import FeatureMaps
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows
from deepexplain_tf.objective.upsampling import stretched
from deepexplain_tf.rules.composites import Composite


@METHODS.register("score_cam")
@dataclasses.dataclass(frozen=True)
class ScoreCAM(ClassActivationMap):
    """ReLU(Σ_c w_c·A_c), where w is the softmax over all channels c of F(x₀ + H_c·(x − x₀)) − F(x₀).

    A are the activations `[batch, positions..., channels]` of the layer `at`. H_c is A_c interpolated to the positions
    of the input and scaled to 0 … 1 by its least and greatest value there, as published; where these are equal, H_c is
    0. With the default baseline x₀ of zeros the input is multiplied by H_c, as published. All explained tensors that
    have the layer's positions are masked at once, and the others stay. In units of the activations, since w adds up to
    1; ≥ 0, and not complete. One evaluation for each channel, and no gradient. F is the explained target, by
    default a logit; the authors' code takes a probability, and leaves out the softmax of the paper. For the options see
    `activation_maps.ClassActivationMap`.

    References:
      Wang et al., *Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks*, CVPR 2020
      workshop, https://arxiv.org/abs/1910.01279.
    """

    uses_baseline: ClassVar[bool] = True
    differentiates: ClassVar[bool] = False
    repeats: ClassVar[bool] = True

    @property
    def per_unit(self) -> bool:
        return True

    @property
    def cost(self) -> str:
        return "one evaluation of the model for each channel of the layer"

    def part(self, objective: Objective) -> Objective:
        maps = objective.feature_maps(self.at)
        for value, axes in zip(objective.explained, maps.explained, strict=True):
            if axes is not None and not value.dtype.is_floating:
                raise InputError(
                    f"inputs must be floats to be masked by activations. Got {value.dtype.name}; name the layer behind "
                    "it with layer=."
                )
        return objective

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        maps, inputs, baselines = scope.feature_maps(self.at), scope.explained, scope.expand_baseline(baseline)
        (activations,) = scope.inner([maps.value], inputs)
        activations = maps.channels_last(tf.cast(activations, wide_dtype(activations)))
        channels = tf.transpose(activations, [0, len(activations.shape) - 1, *positions(activations)])

        def points(example: tf.Tensor, number: tf.Tensor) -> list[tf.Tensor]:
            channel = tf.gather_nd(channels, tf.stack([example, number], 1))
            pairs = zip(inputs, baselines, strict=True)
            rows = [(tf.gather(x, example), tf.gather(x0, example)) for x, x0 in pairs]
            return [_masked(maps, number, channel, x, x0) for number, (x, x0) in enumerate(rows)]

        evaluations = Evaluations(tf.shape(channels)[1], count_rows(inputs[0]), chunks)
        values, at_baseline = target_values(scope, points, evaluations), scope.value(baselines)
        weights = tf.nn.softmax(tf.cast(values - at_baseline[:, tf.newaxis], channels.dtype))
        weights = tf.reshape(weights, [-1, *([1] * len(positions(activations))), tf.shape(channels)[1]])
        found = tf.nn.relu(tf.reduce_sum(weights * activations, -1))
        return {
            "attributions": self.spread(scope, maps, found),
            "outputs": scope.value(inputs),
            "baseline_outputs": at_baseline,
        }


def _masked(maps: FeatureMaps, number: int, channel: tf.Tensor, x: tf.Tensor, x0: tf.Tensor) -> tf.Tensor:
    """Returns rows of the explained tensor `number`, masked by a channel `[rows, positions...]` if it has positions."""
    if maps.explained[number] is None:
        return x
    mask = _scaled(stretched(channel, maps.sizes(number, x)))
    return x0 + maps.over(mask, number, x) * (x - x0)


def _scaled(maps: tf.Tensor) -> tf.Tensor:
    """Returns maps `[rows, positions...]` between 0 and 1; 0 for a map with one value only."""
    axes = list(range(1, len(maps.shape)))
    least, greatest = (reduce(maps, axes, keepdims=True) for reduce in (tf.reduce_min, tf.reduce_max))
    return tf.math.divide_no_nan(maps - least, greatest - least)
