"""What is seen of an explanation: the arrays of one example and unit, each with its inputs, names and title."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from deepexplain_tf.errors import InputError, shortened
from deepexplain_tf.explanation.columns import columns_of, leaf_names
from deepexplain_tf.explanation.structure import leaves

if TYPE_CHECKING:
    from deepexplain_tf.explanation.explanation import Explanation

_FEW = 64  # elements of several arrays that are one table


@dataclasses.dataclass(frozen=True)
class View:
    """One array of attributions, as a painter gets it.

    Attributes:
      values: `[...]`, of one example and unit; or `[batch, features]` for painters of many examples.
      inputs: the explained array in the same shape, or a picture whose sides are whole multiples; None if none fits.
      feature_names: the names along the last axis, if any.
      tokens: the texts along the first axis, if any.
      pairs: whether the attributions are those of pairs of features.
      title: what is shown.
    """

    values: np.ndarray
    inputs: Any = None
    feature_names: tuple[str, ...] | None = None
    tokens: tuple[str, ...] | None = None
    pairs: bool = False
    title: str | None = None


def views_of(e: "Explanation", *, example: int, unit: Any = None, inputs: Any = None) -> list[View]:
    """Returns a view of each array of one example, or one view of a table where several arrays have few elements.

    Args:
      e: the explanation of a batch.
      example: the index of the example.
      unit: the index of one of several explained units.
      inputs: inputs in the place of those of the explanation, `[batch, ...]` or a structure.

    Raises:
      InputError: there is no such example or unit.
    """
    if not -len(e) <= example < len(e):
        raise InputError(f"`example` is an index into the batch. Got {example} for {len(e)} examples.")
    given = e.inputs if inputs is None else inputs
    index = (example, *_unit(e, unit))
    found = []
    for name, leaf in leaves(e.attributions):
        tokens = leaf_names(e.attributions, e.tokens, name)
        values = np.asarray(leaf)[index]
        title = title_of(e, index)
        view = View(
            values=values,
            inputs=_fitting(_leaf(given, e.attributions, name), example, values.shape),
            feature_names=leaf_names(e.attributions, e.feature_names, name),
            tokens=None if tokens is None else tokens[example],
            pairs=e.pairwise,
            title=f"{name}: {title}" if name else title,
        )
        found.append(view)
    flat = all(view.values.ndim <= 1 and view.tokens is None for view in found)
    if len(found) > 1 and flat and sum(view.values.size for view in found) <= _FEW:
        names, _ = columns_of(e.attributions, e.feature_names, len(index) - 1)
        return [_one_table(names, found, title_of(e, index))]
    return found


def table_of(e: "Explanation", unit: Any = None, inputs: Any = None) -> View:
    """Returns a view of all examples, with a column for each feature.

    Raises:
      InputError: there is no such unit.
    """
    titles, values = columns_of(e.attributions, e.feature_names, np.ndim(e.outputs) - 1)
    of_unit: tuple[Any, ...] = (slice(None), *_unit(e, unit))
    given = e.inputs if inputs is None else inputs
    shown = None
    if given is not None and _shapes(given, 1) == _shapes(e.attributions, np.ndim(e.outputs)):
        parts = [np.asarray(leaf).reshape(len(e), -1) for _, leaf in leaves(given)]
        shown = np.concatenate(parts, 1) if len({part.dtype.kind for part in parts}) == 1 else _mixed(parts)
    return View(values[of_unit], shown, tuple(titles), title=f"{e.method}, {len(e)} examples")


def title_of(e: "Explanation", index: tuple[Any, ...]) -> str:
    """Returns a line about one example and unit: its name, the method, the target and the output."""
    example = index[0]
    name = f"{e.example_names[example]}: " if e.example_names is not None else ""
    return f"{name}{e.method}, target {target_of(e, index)}: {float(np.asarray(e.outputs)[index]):.4g}"


def target_of(e: "Explanation", index: tuple[Any, ...]) -> str:
    """Returns the name of the target of one example and unit."""
    target = e.target
    if isinstance(target, np.ndarray):
        of_one = target[index[0]] if len(target) == len(e) else target[0]
        if target.dtype.kind not in "iu":
            return "weights"
        target = int(of_one) if of_one.ndim == 0 else tuple(map(int, of_one))
    if len(index) > 1:
        return f"{target}, unit {', '.join(map(str, index[1:]))}"
    if e.class_names is not None and isinstance(target, int) and -len(e.class_names) <= target < len(e.class_names):
        return e.class_names[target]
    return str(target)


def first_unit(e: "Explanation") -> tuple[int, ...]:
    """Returns the index of the first of several explained units; () where there is one."""
    return (0,) * (np.ndim(e.outputs) - 1)


def _unit(e: "Explanation", unit: Any) -> tuple[int, ...]:
    shape = np.shape(e.outputs)[1:]
    index = () if unit is None else tuple(unit) if isinstance(unit, tuple) else (unit,)
    fits = len(index) == len(shape) and all(isinstance(at, int | np.integer) for at in index)
    if not fits or not all(-size <= at < size for at, size in zip(index, shape, strict=True)):
        possible = f"of {list(shape)} units must be chosen as unit=" if shape else "is for several explained units:"
        raise InputError(f"one unit {possible}. Got {shortened(unit)}.")
    return index


def _leaf(inputs: Any, attributions: Any, name: str) -> Any:
    """Returns the input that belongs to an array of attributions, None if none does."""
    if isinstance(inputs, list | tuple) and inputs and isinstance(inputs[0], Image.Image):
        return inputs
    if not isinstance(attributions, list | tuple | dict):
        found = [leaf for _, leaf in leaves(inputs)] if inputs is not None else []
        return found[0] if len(found) == 1 else None
    if isinstance(inputs, list | tuple | dict) and len(inputs) == len(attributions):
        return dict(leaves(inputs)).get(name)
    return None


def _fitting(inputs: Any, example: int, shape: tuple[int, ...]) -> Any:
    """Returns the example of an input where a picture of attributions can show it, else None."""
    if inputs is None:
        return None
    if isinstance(inputs, list | tuple) and isinstance(inputs[example], Image.Image):
        return inputs[example]
    array = np.asarray(np.asarray(inputs)[example])
    if array.shape == shape:
        return array
    picture = array.ndim in (2, 3) and len(shape) in (2, 3) and (array.ndim == 2 or array.shape[-1] in (1, 3, 4))
    if picture and all(large % small == 0 for large, small in zip(array.shape[:2], shape[:2], strict=True)):
        return array[..., :3] if array.ndim == 3 else array
    return None


def _one_table(names: list[str], views: list[View], title: str) -> View:
    inputs = [view.inputs for view in views]
    whole = None if any(part is None for part in inputs) else _mixed([np.reshape(part, (1, -1)) for part in inputs])[0]
    return View(np.concatenate([np.ravel(view.values) for view in views]), whole, tuple(names), title=title)


def _mixed(parts: list[np.ndarray]) -> np.ndarray:
    """Returns columns of numbers and of texts as one array of objects."""
    return np.concatenate([part.astype(object) for part in parts], 1)


def _shapes(structure: Any, before: int) -> list[tuple[int, ...]]:
    return [np.shape(leaf)[before:] for _, leaf in leaves(structure)]
