"""Players: features that are present or absent together, for methods that evaluate the target without some of them."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.features import number_elements, number_groups
from deepexplain_tf.methods.base import Data, Method, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.objective import Objective


@dataclasses.dataclass(frozen=True)
class Players:
    """The players of some explained tensors.

    Attributes:
      ids: for each explained tensor, the player of each element, int32 in the shape of one example, from 0.
      count: the number of players.
    """

    ids: Sequence[np.ndarray]
    count: int

    @property
    def data(self) -> Data:
        """The players under the names by which `players_of` finds them in `data`."""
        return {f"players_{number}": ids for number, ids in enumerate(self.ids)}

    def shares(self, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns equal shares of a player's value for its members, which each carry it in `[batch, ...]`."""
        members = np.bincount(np.concatenate([ids.ravel() for ids in self.ids]), minlength=self.count)
        return [array / members[ids] for array, ids in zip(attributions, self.ids, strict=True)]


def read_players(layout: Layout, groups: Any) -> Players:
    """Returns the players of a layout: the user's groups, or every element by itself.

    Args:
      layout: the explained tensors.
      groups: see `PlayerMethod`.

    Raises:
      OptionError: groups that do not fit the explained tensors.
      InputError: lengths that are open inside the graph being built.
    """
    if groups is None:
        ids = number_elements(layout.lengths)
    else:
        ids = number_groups(layout.flatten("groups", groups), layout.lengths)
    return Players(ids, 1 + max(int(array.max(initial=-1)) for array in ids))


@dataclasses.dataclass(frozen=True)
class PlayerMethod(Method):
    """A method that evaluates the target where some players are absent: they have the values of the baseline.

    It takes no gradients, so that inputs may be whole numbers or strings.

    Attributes:
      groups: whole numbers shaped like one example; with several explained tensors, arrays in their structure.
        Elements with the same number, also across tensors, are one player, and each carries the value of the whole
        player. Default: every element is a player.
    """

    uses_baseline: ClassVar[bool] = True
    repeats: ClassVar[bool] = True
    differentiates: ClassVar[bool] = False
    groups: Any = None

    def players(self, layout: Layout) -> Players:
        """Returns the players of this layout; see `read_players`."""
        return read_players(layout, self.groups)

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        return self.players(layout).shares(attributions)


def players_of(data: TensorData) -> list[tf.Tensor]:
    """Returns the player of each element, for each explained tensor, as `Players.data` has them."""
    return [data[f"players_{number}"] for number in range(sum(name.startswith("players_") for name in data))]


def carried(value: tf.Tensor, players: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the `value` `[batch, players]` of each element's player, `[batch, ...]` for each explained tensor."""
    return [tf.gather(value, ids, axis=1) for ids in players]
