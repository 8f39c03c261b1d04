"""RISE: the mean of the target over random masks, weighted by how much of a feature each of them keeps."""

from collections.abc import Sequence
import dataclasses
import math
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import is_int, is_real, require, require_whole
from deepexplain_tf.masking.coalitions import present
from deepexplain_tf.masking.grids import Grids, random_grids
from deepexplain_tf.masking.masked import Masks, masked_values
from deepexplain_tf.methods.base import METHODS, Data, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.players import PlayerMethod, carried, players_of
from deepexplain_tf.methods.standard_error import standard_error
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import wide_dtype
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows
from deepexplain_tf.rules.composites import Composite


@METHODS.register("rise")
@dataclasses.dataclass(frozen=True)
class RISE(PlayerMethod):
    """Σₘ mᵢ·F(m) / Σₘ mᵢ − the mean of F(m), over random masks m, of which mᵢ in 0 … 1 is the part of i that is kept.

    F(m) is the target at m·x + (1 − m)·x₀. The first term estimates E[F | i is kept], RISE's E[F·mᵢ] / E[mᵢ]; less the
    mean, a feature without effect has 0 but for the error of sampling, and the ranking is the same. On an additive
    target, a feature that is kept or not has (1 − probability) times its effect. In units of the target; not complete.
    `standard_error` is that of the quotient, to first order. All examples of a call share the masks. A feature that no
    mask keeps is NaN.

    Masks are coarse grids of cells, each kept with the same probability, interpolated linearly to the resolution of the
    input and shifted at random (see `masking.grids`). A vector's features are cells of their own, without
    interpolation; whole numbers and strings are kept where a mask is at least ½; each of several explained tensors has
    grids of its own. With `groups`, each group is a cell, without interpolation.

    Attributes:
      n_samples: the number of masks, ≥ 2; default 4000.
      grid: the number of cells along each spatial axis, which are all non-batch axes but the last, the channels; or
        such a number for each non-batch axis, 1 where one mask holds for a whole axis, and with several explained
        tensors such a tuple for each; default 7. An axis with fewer positions has a cell for each.
      probability: that of a cell being kept, in (0, 1); default 0.5.
      groups: which elements are one group, see `PlayerMethod`; excludes `grid`.

    References:
      Petsiuk, Das, Saenko, *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018,
      https://arxiv.org/abs/1806.07421.
    """

    n_samples: int = 4000
    grid: Any = None
    probability: float = 0.5

    def __post_init__(self) -> None:
        require_whole("n_samples", 2, self.n_samples)
        require(is_real(self.probability) and 0 < self.probability < 1, "probability", "in (0, 1)", self.probability)
        if is_int(self.grid):
            require_whole("grid", 1, self.grid)
        if self.groups is not None:
            require(self.grid is None, "grid", "left out where groups are given", self.grid)

    @property
    def evaluations(self) -> int:
        return self.n_samples

    def data(self, layout: Layout) -> Data:
        generator = np.random.default_rng(layout.seed)
        if self.groups is not None:
            players = self.players(layout)
            coalitions = generator.random((self.n_samples, players.count)) < self.probability
            return {**players.data, "coalitions": coalitions}
        data: dict[str, np.ndarray] = {}
        for number, (shape, cells) in enumerate(zip(layout.lengths, self._cells(layout), strict=True)):
            grids = random_grids(shape, cells, self.n_samples, self.probability, generator)
            data |= {f"{name}_{number}": array for name, array in grids.items()}
        return data

    def _cells(self, layout: Layout) -> list[tuple[int, ...]]:
        """Returns the number of cells along each axis, for each explained tensor; a cell has at least one position."""
        if self.grid is None or is_int(self.grid):
            most = 7 if self.grid is None else self.grid
            cells = [shape if len(shape) < 2 else (most,) * (len(shape) - 1) + (1,) for shape in layout.lengths]
        else:
            cells = layout.whole_numbers("grid", self.grid)
        return [tuple(map(min, counts, shape)) for counts, shape in zip(cells, layout.lengths, strict=True)]

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        if self.groups is not None:
            return [array / (1 - self.probability) for array in super().shares(layout, objective, attributions)]
        pairs = zip(layout.lengths, self._cells(layout), strict=True)
        sizes = [math.prod(shape) / math.prod(cells) for shape, cells in pairs]
        return [array / (size * (1 - self.probability)) for array, size in zip(attributions, sizes, strict=True)]

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        baselines, target = scope.expand_baseline(baseline), scope.value(scope.explained)
        if "coalitions" in data:
            coalitions, players = data["coalitions"], players_of(data)
            count, n_players = tf.unstack(tf.shape(coalitions))
            values = masked_values(scope, baselines, present(coalitions, players), count, chunks)
            scores = _scores(values, lambda index: [tf.gather(coalitions, index)], [[n_players]], chunks)
            attributions, errors = (carried(score, players) for (score,) in scores)
        else:
            grids = _grids(scope.explained, data, wide_dtype(target))
            masks = _masks(grids, scope.explained)
            values = masked_values(scope, baselines, masks, count_rows(data["kept_0"]), chunks)
            scores = _scores(values, masks, [grid.shape for grid in grids], chunks)
            attributions, errors = (_broadcast(score, scope.explained) for score in scores)
        return {
            "attributions": attributions,
            "standard_error": errors,
            "outputs": target,
            "baseline_outputs": scope.value(baselines),
        }


def _grids(inputs: Sequence[tf.Tensor], data: TensorData, dtype: tf.DType) -> list[Grids]:
    grids = []
    for number, x in enumerate(inputs):
        kept, shifts, scales = (data[f"{name}_{number}"] for name in ("kept", "shifts", "scales"))
        grids.append(Grids(kept, shifts, scales, tf.unstack(tf.shape(x))[1:], dtype))
    return grids


def _masks(grids: Sequence[Grids], inputs: Sequence[tf.Tensor]) -> Masks:
    """Returns the masks of grids: floats, or booleans for a tensor that cannot be blended."""

    def masks(index: tf.Tensor) -> list[tf.Tensor]:
        found = [grid.masks(index) for grid in grids]
        return [mask if x.dtype.is_floating else mask >= 0.5 for mask, x in zip(found, inputs, strict=True)]

    return masks


def _broadcast(values: Sequence[tf.Tensor], inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    return [tf.broadcast_to(value, tf.shape(x)) for value, x in zip(values, inputs, strict=True)]


def _scores(
    values: tf.Tensor, features: Masks, shapes: Sequence[Sequence[tf.Tensor]], chunks: Chunks
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns the scores of all features, `[batch, *shape]` for each of the shapes, and their standard errors.

    With f the target less its mean and r its weighted mean under the masks, the score, the standard error is that of
    the mean of m·(f − r) / mean(m) − f, to which the error of the quotient is equal to first order.

    Args:
      values: the target `[batch, masks]`.
      features: mask numbers `[rows]` → how much of each feature is kept, `[rows, *shape]` for each of the shapes.
      shapes: the shapes of the features.
      chunks: the sizes of the chunks.
    """
    batch, count = tf.unstack(tf.shape(values))
    values = tf.cast(values, wide_dtype(values))
    change = values - tf.reduce_mean(values, 1, keepdims=True)
    factors = tf.concat([tf.ones_like(values[:1]), change, change**2], 0)
    sums = _sums_over_masks(factors, features, [math.prod(shape) for shape in shapes], chunks)
    scores, errors, n_masks = [], [], tf.cast(count, values.dtype)
    for shape, first, second in zip(shapes, sums[::2], sums[1::2], strict=True):
        (m, mf, mff), (mm, mmf, mmff) = (tf.split(part, [1, batch, batch]) for part in (first, second))
        score, mean = mf / m, m / n_masks
        squares = mmff - 2 * score * mmf + score**2 * mm  # Σ m²·(f − r)²
        deviations = squares / mean**2 - 2 * (mff - score * mf) / mean + tf.reduce_sum(change**2, 1, keepdims=True)
        scores.append(tf.reshape(score, [batch, *shape]))
        errors.append(tf.reshape(standard_error(tf.maximum(deviations, 0), count), [batch, *shape]))
    return scores, errors


def _sums_over_masks(
    factors: tf.Tensor, features: Masks, sizes: Sequence[tf.Tensor], chunks: Chunks
) -> list[tf.Tensor]:
    """Returns Σ factor·m and Σ factor·m² `[factors, size]` over masks, for each of the sizes, a chunk at a time.

    Args:
      factors: `[factors, masks]`.
      features: mask numbers `[rows]` → masks `[rows, ...]`, with as many elements as each of the sizes says.
      sizes: the numbers of features.
      chunks: the sizes of the chunks.
    """
    n_factors, n_masks = tf.unstack(tf.shape(factors))

    def body(numbers: tf.Tensor, valid: tf.Tensor, sums: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        some = tf.where(valid, tf.gather(factors, numbers, axis=1), 0)
        masks = [tf.cast(mask, factors.dtype) for mask in features(numbers)]
        flat = [tf.reshape(mask, [tf.size(numbers), size]) for mask, size in zip(masks, sizes, strict=True)]
        parts = [tf.matmul(some, power) for mask in flat for power in (mask, mask**2)]
        added = [total + part for total, part in zip(sums, parts, strict=True)]
        for total, tensor in zip(sums, added, strict=True):
            tensor.set_shape(total.shape)
        return added

    return chunks.run(n_masks, [tf.zeros([n_factors, size], factors.dtype) for size in sizes for _ in range(2)], body)
