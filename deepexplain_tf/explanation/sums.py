"""Sums of attributions over axes, named groups and words."""

from collections.abc import Mapping, Sequence
import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from deepexplain_tf.errors import OptionError, closest, shortened
from deepexplain_tf.explanation.words import join_pieces

if TYPE_CHECKING:
    from deepexplain_tf.explanation.explanation import Explanation

CHANNELS, WORDS, PADDING = "channels", "words", "[padding]"
_POSSIBLE = "'channels', 'words', an axis, a tuple of axes, whole numbers shaped like an example, or a dict of groups"


def summed(e: "Explanation", over: Any) -> "Explanation":
    """Returns an explanation of a batch with attributions added up; see `Explanation.sum`.

    Raises:
      OptionError: A sum that the attributions do not have.
    """
    if e.pairwise:
        raise OptionError("attributions of pairs of features have no sums over features. Got those of pairs.")
    fields = [field.name for field in dataclasses.fields(Summed) if field.name != "values"]
    units = np.ndim(e.outputs) - 1

    def of_leaf(values: Any, over: Any, known: Mapping[str, Any]) -> Summed:
        return Summable(np.asarray(values), units, **known).over(over)

    if not isinstance(e.attributions, list | tuple | dict):
        found = of_leaf(e.attributions, over, {name: getattr(e, name) for name in fields})
        table = e.attributions if hasattr(e.attributions, "iloc") and found.values.ndim == 2 else None
        values = found.values if table is None else type(table)(found.values, table.index, found.feature_names)
        parts = {"attributions": values, **{name: getattr(found, name) for name in fields}}
    else:
        keys = list(e.attributions) if isinstance(e.attributions, dict) else range(len(e.attributions))
        sums = {}
        for key in keys:
            known = {name: _at(getattr(e, name), key) for name in fields}
            wanted = _of_input(over, key, keys)
            array = e.attributions[key]
            sums[key] = Summed(np.asarray(array), **known) if wanted is None else of_leaf(array, wanted, known)
        parts = {"attributions": _like(e.attributions, {key: found.values for key, found in sums.items()})}
        for name in fields:
            leaves = {key: getattr(found, name) for key, found in sums.items()}
            any_left = any(leaf is not None for leaf in leaves.values())
            parts[name] = _like(e.attributions, leaves) if any_left else None
    return dataclasses.replace(e, standard_error=None, estimated_error=None, **parts)


def _at(structure: Any, key: Any) -> Any:
    if structure is None or (isinstance(structure, dict) and key not in structure):
        return None
    return structure[key]


def _of_input(over: Any, key: Any, keys: Sequence[Any]) -> Any:
    """Returns what is summed of one of several arrays: one word for all, or an entry for each."""
    if isinstance(over, str) or _is_axis(over) or (isinstance(over, tuple) and all(map(_is_axis, over))):
        return over
    if isinstance(over, Mapping):
        unknown = [name for name in over if name not in keys]
        if unknown:
            raise OptionError(
                f"sums are by names of arrays. Got {unknown[0]!r}; {closest(str(unknown[0]), map(str, keys))}."
            )
        return over.get(key)
    if not isinstance(over, list | tuple) or len(over) != len(keys):
        raise OptionError(f"sums must be one for each of {len(keys)} arrays, or None. Got {shortened(over)}.")
    return over[list(keys).index(key)]


def _like(structure: Any, leaves: Mapping[Any, Any]) -> Any:
    return dict(leaves) if isinstance(structure, dict) else type(structure)(leaves.values())


@dataclasses.dataclass(frozen=True)
class Summed:
    """Sums of one array of attributions.

    Attributes:
      values: `[batch, ...]`, with several units `[batch, *units, ...]`.
      groups: the group of each sum, where the attributions were those of groups and still are.
      feature_names: the names along the last axis, if any.
      tokens: the words of each example, if any.
    """

    values: np.ndarray
    groups: np.ndarray | None = None
    feature_names: tuple[str, ...] | None = None
    tokens: tuple[tuple[str, ...], ...] | None = None


@dataclasses.dataclass(frozen=True)
class Summable:
    """One array of attributions, with what is known about its elements.

    Attributes:
      values: `[batch, *units, ...]`.
      units: the number of axes of units.
      groups: the group of each element of an example, each of which carries the value of the whole group; None where
        each element has a value of its own.
      feature_names: the names along the last axis, if any.
      tokens: a row of tokens for each example, along the first axis of an example, if any.
    """

    values: np.ndarray
    units: int = 0
    groups: np.ndarray | None = None
    feature_names: tuple[str, ...] | None = None
    tokens: tuple[tuple[str, ...], ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the attributions of one example and unit."""
        return self.values.shape[1 + self.units :]

    def over(self, what: Any) -> Summed:
        """Returns the sums; see `Explanation.sum`."""
        if isinstance(what, str):
            if what == CHANNELS:
                return self._over_channels()
            if what == WORDS:
                return self._over_words()
            raise OptionError(f"sums are over {_POSSIBLE}. Got {what!r}.")
        if isinstance(what, Mapping):
            return self._over_named(what)
        if _is_axis(what) or (isinstance(what, tuple) and what and all(map(_is_axis, what))):
            return self._over_axes(self._axes(what if isinstance(what, tuple) else (what,)))
        return self._over_labels(what)

    def _over_channels(self) -> Summed:
        if len(self.shape) < 2:
            raise OptionError(f"channels are the last of several axes of an example. Got examples {list(self.shape)}.")
        return self._over_axes((len(self.shape) - 1,))

    def _axes(self, given: Sequence[int]) -> tuple[int, ...]:
        """Returns axes, which count from the batch, as axes of an example."""
        rank, before = self.values.ndim, 1 + self.units
        axes = sorted({int(axis) + (rank if axis < 0 else 0) - before for axis in given})
        if axes[0] < 0 or axes[-1] >= rank - before or len(axes) < len(given):
            raise OptionError(
                f"axes must be different ones of an example, from {before} to {rank - 1} of {list(self.values.shape)}. "
                f"Got {shortened(given)}."
            )
        return tuple(axes)

    def _over_axes(self, axes: tuple[int, ...]) -> Summed:
        last, first = len(self.shape) - 1 in axes, 0 in axes
        names, tokens = None if last else self.feature_names, None if first else self.tokens
        if self.groups is None:
            summed_axes = tuple(axis + 1 + self.units for axis in axes)
            return Summed(self.values.sum(summed_axes, dtype=np.float64).astype(self.values.dtype), None, names, tokens)
        kept = [size for axis, size in enumerate(self.shape) if axis not in axes]
        cells = np.arange(math.prod(kept)).reshape([1 if i in axes else n for i, n in enumerate(self.shape)])
        summed = self._of_cells(np.broadcast_to(cells, self.shape), math.prod(kept))
        groups = None if summed.groups is None else summed.groups.reshape(kept)
        values = summed.values.reshape(*self.values.shape[: 1 + self.units], *kept)
        return Summed(values, groups, names, tokens)

    def _over_labels(self, given: Any) -> Summed:
        try:
            labels = np.asarray(given)
        except ValueError:
            labels = np.array(None)
        if labels.shape != self.shape or labels.dtype.kind not in "iu":
            shown = f"{labels.dtype}{list(labels.shape)}" if labels.dtype.kind != "O" else shortened(given)
            raise OptionError(f"sums are over {_POSSIBLE}; an example is {list(self.shape)}. Got {shown}.")
        distinct, cells = np.unique(labels, return_inverse=True)
        return self._of_cells(cells.reshape(labels.shape), len(distinct))

    def _over_named(self, given: Mapping[Any, Any]) -> Summed:
        """Returns a sum for each group of features and for each feature that is in none."""
        if len(self.shape) != 1:
            raise OptionError(f"named groups are groups of the features of a table. Got examples {list(self.shape)}.")
        cells = np.full(self.shape, -1)
        names = []
        for number, (name, features) in enumerate(given.items()):
            single = isinstance(features, str) or not isinstance(features, Sequence | np.ndarray)
            for place in (self._place(feature) for feature in ([features] if single else features)):
                if cells[place] >= 0:
                    raise OptionError(f"a feature must be in one group. Got {self._name(place)!r} in two.")
                cells[place] = number
            names.append(str(name))
        for place in np.flatnonzero(cells < 0).tolist():
            cells[place] = len(names)
            names.append(self._name(place))
        return dataclasses.replace(self._of_cells(cells, len(names)), feature_names=tuple(names))

    def _name(self, place: int) -> str:
        return self.feature_names[place] if self.feature_names else str(place)

    def _place(self, feature: Any) -> int:
        count = self.shape[0]
        if _is_axis(feature):
            if not -count <= feature < count:
                raise OptionError(f"a feature must be a name, or one of {-count} … {count - 1}. Got {feature}.")
            return int(feature) % count
        names = self.feature_names or ()
        if feature not in names:
            raise OptionError(f"a group must hold features. Got {shortened(feature)}; {closest(str(feature), names)}.")
        return names.index(feature)

    def _over_words(self) -> Summed:
        if self.tokens is None:
            raise OptionError(
                "words are joined from tokens: give tokens= to the call. Got an explanation without them."
            )
        if self.groups is not None or self.units:
            raise OptionError(
                "words are joined of attributions of each token, of one unit. Got those of groups or units."
            )
        of_tokens = self.values.reshape(*self.values.shape[:2], -1).sum(-1, dtype=np.float64)
        words = [join_pieces(row) for row in self.tokens]
        for found, row, scores in zip(words, self.tokens, of_tokens, strict=True):
            padding = [place for place, token in enumerate(row) if not token]
            if scores[padding].any():
                found.append((PADDING, padding))
        longest = max(map(len, words), default=0)
        sums = np.zeros((len(words), longest))
        for number, found in enumerate(words):
            for place, (_, pieces) in enumerate(found):
                sums[number, place] = of_tokens[number, pieces].sum()
        texts = tuple((*(word for word, _ in found), *[""] * (longest - len(found))) for found in words)
        return Summed(sums.astype(self.values.dtype), tokens=texts)

    def _of_cells(self, cells: np.ndarray, count: int) -> Summed:
        """Returns `[batch, *units, count]`: the sum of each cell, in which a group counts once."""
        flat = self.values.reshape(*self.values.shape[: 1 + self.units], -1)
        chosen, cells, groups = np.arange(cells.size), cells.ravel(), None
        if self.groups is not None:
            ids = self.groups.ravel()
            pairs, chosen = np.unique(np.stack([cells, ids]), axis=1, return_index=True)
            cells = pairs[0]
            if len(np.unique(pairs[1])) < len(chosen):  # a group lies in several cells
                if len(np.unique(cells)) < len(chosen):
                    raise OptionError(
                        "attributions of groups are summed within groups, or over whole groups. Got sums over parts of "
                        "several groups."
                    )
                groups = pairs[1]
        sums = np.zeros((count, *flat.shape[:-1]))
        np.add.at(sums, cells, np.moveaxis(flat[..., chosen], -1, 0).astype(np.float64))
        return Summed(np.moveaxis(sums, 0, -1).astype(self.values.dtype), groups)


def _is_axis(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
