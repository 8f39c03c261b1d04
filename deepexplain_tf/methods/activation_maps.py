"""What the class activation maps share: the layer that they look into, and the map over the explained tensors."""

import abc
from collections.abc import Sequence
import dataclasses
from typing import ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require, require_bool
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import Method, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import wide_dtype
from deepexplain_tf.objective.feature_maps import FeatureMaps
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.upsampling import stretched
from deepexplain_tf.rules.composites import Composite


@dataclasses.dataclass(frozen=True)
class ActivationMaps(Method):
    """A method that looks at the activations A `[batch, positions..., channels]` of a layer.

    Positions have 1 to 3 axes: time, the rows and columns of a picture, a volume. Where the layer's convolution, or one
    before it, has its channels first, so does A.

    Attributes:
      at: the name of a layer as `DeepExplain(layer=)` takes it, `"name:i"` for the i-th call of a shared layer; in a
        model without layers (functions, SavedModels, frozen graphs), a name scope or op, such as `"block2/conv"`.
        None: the last convolution over several positions, with the bias, normalisation and activation directly behind
        it, which in a Keras model is the output of that convolution's layer.
    """

    graph_options: ClassVar[tuple[str, ...]] = ("at",)
    remedy: ClassVar[str] = "another layer may help"
    at: str | None = None

    def __post_init__(self) -> None:
        named = self.at is None or (isinstance(self.at, str) and bool(self.at))
        require(named, "at", "the name of a layer, or None", self.at)

    @property
    def inside(self) -> str | None:
        return self.at

    @property
    def one_pass(self) -> bool:
        return False  # no sum whose parts ops could lose

    def part(self, objective: Objective) -> Objective:
        return objective.behind(objective.feature_maps(self.at).value)


@dataclasses.dataclass(frozen=True)
class ClassActivationMap(ActivationMaps):
    """A map over the positions of a layer, as attributions of what is explained.

    With `upsample=True` the map is interpolated linearly along each axis to the positions of an explained tensor, as
    `tf.image.resize` does, and each channel of a position carries the map's value there (metrics give each an equal
    part of it). An explained tensor on which the layer does not depend, or that has no such positions, gets zeros. Not
    complete.

    Attributes:
      upsample: whether attributions have the shape of the explained tensors; if False, they are the map itself,
        `[batch, positions..., 1]`, which metrics do not take.
    """

    graph_options: ClassVar[tuple[str, ...]] = ("at", "upsample")
    upsample: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_bool("upsample", self.upsample)

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        if not self.upsample:
            raise OptionError("metrics take attributions in the shape of the explained tensors. Got upsample=False.")
        maps = objective.feature_maps(self.at)
        return [
            array if axes is None or axes.channels is None else array / array.shape[axes.channels]
            for array, axes in zip(attributions, maps.explained, strict=True)
        ]

    def templates(self, scope: Scope, data: TensorData) -> Sequence[tf.Tensor]:
        if self.upsample:
            return scope.explained
        maps = scope.feature_maps(self.at)
        (activations,) = scope.inner([maps.value], scope.explained)
        return self.spread(scope, maps, maps.channels_last(activations)[..., 0])

    def spread(self, scope: Scope, maps: FeatureMaps, found: tf.Tensor) -> list[tf.Tensor]:
        """Returns the attributions of a map `[batch, positions...]`, an array for each explained tensor."""
        attributions = []
        for number, (x, axes) in enumerate(zip(scope.explained, maps.explained, strict=True)):
            if axes is None:
                attributions.append(tf.zeros_like(x))
            elif self.upsample:
                attributions.append(maps.over(stretched(found, maps.sizes(number, x)), number, x))
            else:
                attributions.append(found[..., tf.newaxis])
        return attributions


@dataclasses.dataclass(frozen=True)
class GradientMap(ClassActivationMap):
    """A map made of activations A and of the gradient G = ∂F/∂A of the target there, in units of the target.

    One backward pass from the target to the layer, which goes no further.
    """

    @abc.abstractmethod
    def weighed(self, activations: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        """Returns the map `[batch, positions...]` of A and G, `[batch, positions..., channels]` each."""

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        maps = scope.feature_maps(self.at)
        target, *ends = scope.gradient_inside(maps.value, composite)
        found = self.weighed(*(maps.channels_last(tf.cast(end, wide_dtype(end))) for end in ends))
        return {"attributions": self.spread(scope, maps, found), "outputs": target}


def positions(maps: tf.Tensor) -> list[int]:
    """Returns the axes of the positions of `[batch, positions..., channels]`."""
    return list(range(1, len(maps.shape) - 1))
