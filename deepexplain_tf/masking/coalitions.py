"""Coalitions of players: the target where only some players are present, and exact Shapley values from all of them."""

from collections.abc import Sequence
import itertools
import math

import numpy as np
import tensorflow as tf

from deepexplain_tf.masking.masked import Masks, masked_values
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows


def present(coalitions: tf.Tensor, players: Sequence[tf.Tensor]) -> Masks:
    """Returns the masks of `coalitions` `[coalitions, players]`, which keep the elements of players that are present.

    Args:
      coalitions: booleans, True for a player that is present.
      players: for each explained tensor, the player of each element of one example.
    """
    return lambda index: [tf.gather(tf.gather(coalitions, index), ids, axis=1) for ids in players]


def coalition_values(
    scope: Scope, baseline: Sequence[tf.Tensor], players: Sequence[tf.Tensor], coalitions: tf.Tensor, chunks: Chunks
) -> tf.Tensor:
    """Returns the target `[batch, coalitions]` of each coalition; see `present` and `masked_values`."""
    return masked_values(scope, baseline, present(coalitions, players), count_rows(coalitions), chunks)


def all_coalitions(n_players: int) -> dict[str, np.ndarray]:
    """Returns the data of `exact_shapley`: all coalitions `[2ⁿ, n]`.

    And `[n, 2ⁿ⁻¹]` those without each player (`before`), with it (`joined`), and the weights of the differences.
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


def exact_shapley(values: tf.Tensor, before: tf.Tensor, joined: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns the Shapley values `[batch, players]` from the target `[batch, 2ⁿ]` of all coalitions.

    Differences come before weights, so that a player without effect gets exactly 0. See `all_coalitions`.
    """
    gains = tf.gather(values, joined, axis=1) - tf.gather(values, before, axis=1)
    return tf.reduce_sum(gains * tf.cast(weights, values.dtype), 2)
