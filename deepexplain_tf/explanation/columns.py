"""Attributions as columns: one for each feature, with its name; also as tables of pandas."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deepexplain_tf.errors import imported
from deepexplain_tf.explanation.structure import leaves

if TYPE_CHECKING:
    import pandas

    from deepexplain_tf.explanation.explanation import Explanation


def frame(e: "Explanation") -> "pandas.DataFrame":
    """Returns the attributions of a batch as a table; see `Explanation.to_frame`.

    Raises:
      DeepExplainError: pandas is not installed.
    """
    units = np.ndim(e.outputs) - 1
    if e.tokens is not None and not units and not isinstance(e.attributions, list | tuple | dict):
        values = np.asarray(e.attributions)
        scores = values.reshape(*values.shape[:2], -1).sum(-1, dtype=np.float64).astype(values.dtype)
        return _frame_of_words(scores, e.tokens, e.example_names)
    titles, values = columns_of(e.attributions, e.feature_names, units)
    return _frame_of(values, titles, e.example_names, units)


def columns_of(structure: Any, names: Any, units: int = 0) -> tuple[list[str], np.ndarray]:
    """Returns the names of all elements of an example, and their values `[batch, *units, elements]`.

    An element is named by its array, where there are several, and by its place: by its feature's name along the last
    axis and by a number along the others; the only element of an array has the name of the array.

    Args:
      structure: arrays `[batch, *units, ...]`.
      names: the names along the last axis, in the structure; None where there are none.
      units: the number of axes of units.
    """
    titles: list[str] = []
    parts: list[np.ndarray] = []
    for name, leaf in leaves(structure):
        array = np.asarray(leaf)
        shape = array.shape[1 + units :]
        titles += _titles(name, shape, leaf_names(structure, names, name))
        parts.append(array.reshape(*array.shape[: 1 + units], -1))
    return titles, parts[0] if len(parts) == 1 else np.concatenate(parts, -1)


def leaf_names(structure: Any, names: Any, leaf: str) -> Any:
    """Returns what belongs to one of the arrays of a structure, of names in that structure; None if nothing does."""
    if names is None or not isinstance(structure, list | tuple | dict):
        return names
    if isinstance(structure, dict):
        return next((part for key, part in names.items() if str(key) == leaf), None)
    return names[int(leaf.removeprefix("input "))]


def _titles(name: str, shape: tuple[int, ...], last: Sequence[str] | None) -> list[str]:
    if np.prod(shape, dtype=int) == 1 and name and not last:
        return [name]
    titles = []
    for index in np.ndindex(shape):
        place = [str(number) for number in index]
        if last and place:
            place[-1] = last[index[-1]]
        elif last:
            place = [last[0]]
        titles.append(" ".join(part for part in (name, " ".join(place)) if part))
    return titles


def _frame_of(
    values: np.ndarray, titles: Sequence[str], examples: Sequence[str] | None, units: int
) -> "pandas.DataFrame":
    """Returns `[batch, *units, columns]` as a table with a row for each example, or for each unit of each example.

    Raises:
      DeepExplainError: pandas is not installed.
    """
    pandas = require_pandas()
    rows = range(len(values)) if examples is None else examples
    if not units:
        return pandas.DataFrame(values, index=pandas.Index(rows, name="example"), columns=titles)
    axes = [range(size) for size in values.shape[1 : 1 + units]]
    names = ["example", *(["unit"] if units == 1 else [f"unit {number}" for number in range(units)])]
    index = pandas.MultiIndex.from_product([rows, *axes], names=names)
    return pandas.DataFrame(values.reshape(len(index), -1), index=index, columns=titles)


def _frame_of_words(
    values: np.ndarray, tokens: Sequence[Sequence[str]], examples: Sequence[str] | None
) -> "pandas.DataFrame":
    """Returns scores of words `[batch, length]` as a table with a row for each word; padding is left out.

    Raises:
      DeepExplainError: pandas is not installed.
    """
    pandas = require_pandas()
    found = [(row, at) for row, words in enumerate(tokens) for at, word in enumerate(words) if word]
    data = {
        "example": [row if examples is None else examples[row] for row, _ in found],
        "position": [at for _, at in found],
        "token": [tokens[row][at] for row, at in found],
        "attribution": [values[row, at] for row, at in found],
    }
    return pandas.DataFrame(data)


def require_pandas() -> Any:
    """Returns pandas.

    Raises:
      DeepExplainError: pandas is not installed.
    """
    return imported("pandas", "a table needs pandas: pip install 'deepexplain_tf[pandas]'")
