"""Shapley values from sampled permutations."""

from collections.abc import Callable, Sequence
import dataclasses
import functools
import math
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import is_int, require
from deepexplain_tf.masking.coalitions import all_coalitions, exact_shapley, present
from deepexplain_tf.masking.masked import Masks, masked_values
from deepexplain_tf.methods.base import METHODS, Data, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.players import PlayerMethod, carried, players_of
from deepexplain_tf.methods.standard_error import standard_error
from deepexplain_tf.objective.background import Background
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows
from deepexplain_tf.rules.composites import Composite

Masked = Callable[[Masks, tf.Tensor], tf.Tensor]  # masks, their number → the target under each, [batch, masks]


@METHODS.register("shapley_sampling", aliases=("shapley",))
@dataclasses.dataclass(frozen=True)
class ShapleySampling(PlayerMethod):
    """φᵢ = mean over permutations of F(players up to i present) − F(players before i present).

    In units of the target; absent players have the values of the baseline. Permutations come in antithetic pairs: a
    permutation and its reverse. If the n players have at most `n_samples` permutations, n! in all, the exact values
    are computed from all 2ⁿ coalitions, and the standard error is 0. Guarantees completeness, Σφᵢ = F(x) − F(x₀), in
    both cases, since every permutation adds up to it.

    With `background`, every permutation is taken with every baseline: F of the present players is the mean over the
    baselines. So the values are the mean of those for each baseline by the same permutations, exact where permutations
    are enumerated and else unbiased; they add up to F(x) − mean F(x₀). `standard_error` is that of the permutations.

    Attributes:
      n_samples: the number of permutations, ≥ 2 and even (a pair counts as two); the standard error of a single pair
        is NaN.
      groups: which elements are one player; see `PlayerMethod`.
      background: a set of baselines for all examples `[n_baselines, ...]`, or one for each
        `[batch, n_baselines, ...]`, in the structure of the explained tensors; excludes `baseline`.

    References:
      Castro, Gómez, Tejada, *Polynomial Calculation of the Shapley Value Based on Sampling*, Computers &
      Operations Research 2009. Mitchell et al., *Sampling Permutations for Shapley Value Estimation*,
      JMLR 2022, https://arxiv.org/abs/2104.12199 (antithetic pairs).
    """

    complete: ClassVar[bool] = True
    n_samples: int = 256
    background: Any = None

    def __post_init__(self) -> None:
        valid = is_int(self.n_samples) and self.n_samples >= 2 and self.n_samples % 2 == 0
        require(valid, "n_samples", "an even whole number ≥ 2", self.n_samples)

    @property
    def cost(self) -> str:
        return f"at most {self.n_samples:,} evaluations of the model for each player"

    def data(self, layout: Layout) -> Data:
        players = self.players(layout)
        if players.count <= 20 and math.factorial(players.count) <= self.n_samples:
            return {**players.data, **all_coalitions(players.count)}
        return {**players.data, "order": _antithetic(players.count, self.n_samples, layout.seed)}

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        if self.background is None:
            baselines = scope.expand_baseline(baseline)
            target, target0 = scope.value(scope.explained), scope.value(baselines)
            masked: Masked = functools.partial(masked_values, scope, baselines, chunks=chunks)
        else:
            background = Background(scope, baseline, data.get("n_baselines"))
            target, target0 = background.values((), data["count"], chunks)
            masked = functools.partial(_mean_masked_values, scope, background, chunks=chunks)
        players = players_of(data)
        if "coalitions" in data:
            values = masked(present(data["coalitions"], players), count_rows(data["coalitions"]))
            value = exact_shapley(values, data["before"], data["joined"], data["weights"])
            error = tf.zeros_like(value)
        else:
            value, error = _sampled_values(masked, players, data["order"], target, target0)
        return {
            "attributions": carried(value, players),
            "standard_error": carried(error, players),
            "outputs": target,
            "baseline_outputs": target0,
            "total": tf.reduce_sum(value, 1),
        }


def _mean_masked_values(
    scope: Scope, background: Background, kept: Masks, count: tf.Tensor, chunks: Chunks
) -> tf.Tensor:
    """Returns the mean over a background of the target `[batch, count]` under each mask; see `masked_values`."""

    def of_baseline(baseline: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return [masked_values(scope, scope.expand_baseline(baseline), kept, count, chunks)]

    (values,) = background.mean(of_baseline, [tf.zeros([scope.size, count], scope.dtype)])
    return values


def _sampled_values(
    masked: Masked, players: Sequence[tf.Tensor], order: tf.Tensor, target: tf.Tensor, target0: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the estimate of φ `[batch, players]` and its standard error over antithetic pairs.

    `order` `[permutations, players]` has the position of each player.
    """
    n_orders, n_players = tf.unstack(tf.shape(order))

    def kept(index: tf.Tensor) -> list[tf.Tensor]:
        position = tf.gather(order, index // (n_players - 1))
        joined = position <= (index % (n_players - 1))[:, tf.newaxis]
        return [tf.gather(joined, ids, axis=1) for ids in players]

    between = masked(kept, n_orders * (n_players - 1))
    between = tf.reshape(between, [-1, n_orders, n_players - 1])
    ends = tf.ones_like(between[:, :, :1])
    path = tf.concat([target0[:, None, None] * ends, between, target[:, None, None] * ends], 2)
    gains = path[:, :, 1:] - path[:, :, :-1]
    steps = order + tf.expand_dims(tf.range(n_orders) * n_players, 1)  # of each player, among those of all orders
    values = tf.gather(tf.reshape(gains, [-1, n_orders * n_players]), steps, axis=1)
    pairs = tf.reduce_mean(tf.reshape(values, [-1, n_orders // 2, 2, n_players]), 2)
    mean = tf.reduce_mean(pairs, 1)
    return mean, standard_error(tf.reduce_sum((pairs - mean[:, tf.newaxis]) ** 2, 1), n_orders // 2)


def _antithetic(n_players: int, n_samples: int, seed: int | None) -> np.ndarray:
    """Returns the position of each player in permutations `[n_samples, n]`, each followed by its reverse."""
    generator = np.random.default_rng(seed)
    first = np.array([generator.permutation(n_players) for _ in range(n_samples // 2)])
    return np.stack([first, n_players - 1 - first], 1).reshape(n_samples, n_players).astype(np.int32)
