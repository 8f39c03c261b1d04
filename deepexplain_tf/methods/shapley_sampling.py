"""Shapley values from sampled permutations."""

from collections.abc import Sequence
import dataclasses
import itertools
import math
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.features import number_elements, number_groups
from deepexplain_tf.arguments.options import is_int, require
from deepexplain_tf.masking.masked import masked_values
from deepexplain_tf.methods.base import METHODS, Data, Layout, Method, Result, TensorData
from deepexplain_tf.methods.standard_error import standard_error
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows
from deepexplain_tf.rules.composites import Composite


@METHODS.register("shapley_sampling", aliases=("shapley",))
@dataclasses.dataclass(frozen=True)
class ShapleySampling(Method):
    """φᵢ = mean over permutations of F(players up to i present) − F(players before i present).

    In units of the target; absent players have the values of the baseline. Permutations come in antithetic pairs: a
    permutation and its reverse. If the n players have at most `n_samples` permutations, n! in all, the exact values
    are computed from all 2ⁿ coalitions, and the standard error is 0. Guarantees completeness, Σφᵢ = F(x) − F(x₀), in
    both cases, since every permutation adds up to it.

    Attributes:
      n_samples: the number of permutations, ≥ 2 and even (a pair counts as two); the standard error of a single pair
        is NaN.
      groups: whole numbers shaped like one example; with several explained tensors, arrays in their structure.
        Elements with the same number, also across tensors, are one player, and each carries the value of the whole
        player. Default: every element is a player.

    References:
      Castro, Gómez, Tejada, *Polynomial Calculation of the Shapley Value Based on Sampling*, Computers &
      Operations Research 2009. Mitchell et al., *Sampling Permutations for Shapley Value Estimation*,
      JMLR 2022, https://arxiv.org/abs/2104.12199 (antithetic pairs).
    """

    uses_baseline: ClassVar[bool] = True
    repeats: ClassVar[bool] = True
    differentiates: ClassVar[bool] = False
    complete: ClassVar[bool] = True
    n_samples: int = 256
    groups: Any = None

    def __post_init__(self) -> None:
        valid = is_int(self.n_samples) and self.n_samples >= 2 and self.n_samples % 2 == 0
        require(valid, "n_samples", "an even whole number ≥ 2", self.n_samples)

    def data(self, layout: Layout) -> Data:
        players, n_players = _players(self.groups, layout)
        data = {f"players_{number}": ids for number, ids in enumerate(players)}
        if n_players <= 20 and math.factorial(n_players) <= self.n_samples:
            return {**data, **_exact(n_players)}
        return {**data, "order": _antithetic(n_players, self.n_samples, layout.seed)}

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        players, n_players = _players(self.groups, layout)
        members = np.bincount(np.concatenate([ids.ravel() for ids in players]), minlength=n_players)
        return [array / members[ids] for array, ids in zip(attributions, players, strict=True)]

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        baselines = scope.expand_baseline(baseline)
        target, target0 = scope.value(scope.explained), scope.value(baselines)
        players = [data[f"players_{number}"] for number in range(len(baselines))]
        values = _exact_values if "coalitions" in data else _sampled_values
        value, error = values(scope, baselines, players, data, target, target0, chunks)
        return {
            "attributions": [tf.gather(value, ids, axis=1) for ids in players],
            "standard_error": [tf.gather(error, ids, axis=1) for ids in players],
            "outputs": target,
            "baseline_outputs": target0,
            "total": tf.reduce_sum(value, 1),
        }


def _exact_values(
    scope: Scope,
    baseline: Sequence[tf.Tensor],
    players: Sequence[tf.Tensor],
    data: TensorData,
    target: tf.Tensor,
    target0: tf.Tensor,
    chunks: Chunks,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns φ `[batch, players]` from all coalitions, and zeros as its standard error."""
    del target, target0
    coalitions = data["coalitions"]

    def kept(index: tf.Tensor) -> list[tf.Tensor]:
        return [tf.gather(tf.gather(coalitions, index), ids, axis=1) for ids in players]

    values = masked_values(scope, baseline, kept, count_rows(coalitions), chunks)
    gains = tf.gather(values, data["joined"], axis=1) - tf.gather(values, data["before"], axis=1)
    value = tf.reduce_sum(gains * tf.cast(data["weights"], values.dtype), 2)
    return value, tf.zeros_like(value)


def _sampled_values(
    scope: Scope,
    baseline: Sequence[tf.Tensor],
    players: Sequence[tf.Tensor],
    data: TensorData,
    target: tf.Tensor,
    target0: tf.Tensor,
    chunks: Chunks,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the estimate of φ `[batch, players]` and its standard error over antithetic pairs."""
    order = data["order"]  # [permutations, players]: the position of each player
    n_orders, n_players = tf.unstack(tf.shape(order))

    def kept(index: tf.Tensor) -> list[tf.Tensor]:
        position = tf.gather(order, index // (n_players - 1))
        present = position <= (index % (n_players - 1))[:, tf.newaxis]
        return [tf.gather(present, ids, axis=1) for ids in players]

    between = masked_values(scope, baseline, kept, n_orders * (n_players - 1), chunks)
    between = tf.reshape(between, [-1, n_orders, n_players - 1])
    ends = tf.ones_like(between[:, :, :1])
    path = tf.concat([target0[:, None, None] * ends, between, target[:, None, None] * ends], 2)
    gains = path[:, :, 1:] - path[:, :, :-1]
    steps = order + tf.expand_dims(tf.range(n_orders) * n_players, 1)  # of each player, among those of all orders
    values = tf.gather(tf.reshape(gains, [-1, n_orders * n_players]), steps, axis=1)
    pairs = tf.reduce_mean(tf.reshape(values, [-1, n_orders // 2, 2, n_players]), 2)
    mean = tf.reduce_mean(pairs, 1)
    return mean, standard_error(tf.reduce_sum((pairs - mean[:, tf.newaxis]) ** 2, 1), n_orders // 2)


def _exact(n_players: int) -> dict[str, np.ndarray]:
    """Returns all coalitions `[2ⁿ, n]`, and `[n, 2ⁿ⁻¹]` those without and with each player, and their weights.

    The graph subtracts before it applies weights, so that a player without effect gets exactly 0.
    """
    coalitions = np.array(list(itertools.product((False, True), repeat=n_players)), bool)
    digit = 2 ** np.arange(n_players)[::-1]  # the first player is the highest digit of a coalition's number
    before = np.array([np.flatnonzero(~coalitions[:, player]) for player in range(n_players)])
    size = coalitions.sum(1)[before]
    orders = np.array([math.comb(n_players - 1, k) * n_players for k in range(n_players)])
    return {
        "coalitions": coalitions,
        "before": before.astype(np.int32),
        "joined": (before + digit[:, None]).astype(np.int32),
        "weights": 1 / orders[size],
    }


def _antithetic(n_players: int, n_samples: int, seed: int | None) -> np.ndarray:
    """Returns the position of each player in permutations `[n_samples, n]`, each followed by its reverse."""
    generator = np.random.default_rng(seed)
    first = np.array([generator.permutation(n_players) for _ in range(n_samples // 2)])
    return np.stack([first, n_players - 1 - first], 1).reshape(n_samples, n_players).astype(np.int32)


def _players(groups: Any, layout: Layout) -> tuple[list[np.ndarray], int]:
    """Returns the player of each element, numbered from 0, for each explained tensor; and the number of players."""
    if groups is None:
        players = number_elements(layout.shapes)
    else:
        players = number_groups(layout.flatten("groups", groups), layout.shapes)
    return players, 1 + max(int(ids.max()) for ids in players)
