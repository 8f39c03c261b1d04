"""Containers in which users hold examples: data sets, batches with labels, tables with named columns."""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.names import Names
from deepexplain_tf.arguments.structure import names_of
from deepexplain_tf.errors import InputError, OptionError, shortened

_LABELS = "labels beside the inputs are not used: target= takes them"


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a container holds.

    Attributes:
      inputs: the model's inputs: an array `[batch, ...]`, or a structure of arrays.
      notes: notes for the user.
      table: the pandas DataFrame that the inputs come from, if any.
    """

    inputs: Any
    notes: tuple[str, ...] = ()
    table: Any = None

    def names(self, given: Names, shapes: Sequence[tuple[int | None, ...]] | None) -> Names:
        """Returns the user's names, with those of a table's columns and rows where the user gave none.

        Rows that are only numbered have no names.

        Args:
          given: the names that the user gave.
          shapes: for each array of attributions, the shape of one example; None where they are not those of columns.

        Raises:
          OptionError: names of features, where each column of the table is an input of that name.
        """
        if self.table is None:
            return given
        rows = None if type(self.table.index).__name__ == "RangeIndex" else tuple(map(str, self.table.index))
        columns = list(map(str, self.table.columns))
        if isinstance(self.inputs, Mapping) and shapes is not None:
            if given.feature_names is not None:
                raise OptionError(f"feature_names are the columns of the table, {shortened(columns)}. Got others.")
            columns = []
        fits = shapes is not None and len(shapes) == 1 and shapes[0][-1:] == (len(columns),)
        return dataclasses.replace(
            given,
            feature_names=columns if given.feature_names is None and fits else given.feature_names,
            example_names=rows if given.example_names is None else given.example_names,
        )

    def pack(self, attributions: Any) -> Any:
        """Returns the attributions of a table's columns as a table of the same rows and columns; any other as it is."""
        if self.table is None:
            return attributions
        values = attributions
        if isinstance(values, Mapping):
            values = np.column_stack([values[name].reshape(len(self.table), -1) for name in self.table.columns])
        return type(self.table)(values, index=self.table.index, columns=self.table.columns)


def contents_of(given: Any, specs: Any) -> Contents:
    """Returns what the user's container holds; anything that is no container as it is.

    - A `tf.data.Dataset` of batches is read to its end. Its elements are inputs, or (inputs, labels) or (inputs,
      labels, weights) as Keras takes them.
    - So is a tuple of arrays of one length that does not fit the model's inputs, while its first entry does.
    - A pandas DataFrame is `[rows, columns]` for a model with one input, or one input for each column by its name.
      Columns are numbers, or texts and categories where the input takes strings.

    Args:
      given: the inputs that the user passed.
      specs: the specs of the model's inputs in their structure; None where only the first call shows them.

    Raises:
      InputError: a data set that has no end, no batches or batches of different shapes; a table with columns
        that are not what the input takes, with missing values, or without a column for each input.
    """
    if isinstance(given, tf.data.Dataset):
        return _of_data_set(given, specs)
    if _is_table(given):
        return _of_table(given, specs)
    if specs is not None and _has_labels(given, specs) and _one_batch(given):
        return Contents(given[0], (_LABELS,))
    return Contents(given)


def _has_labels(given: Any, specs: Any) -> bool:
    """Whether a tuple is inputs with labels, and weights perhaps."""
    if type(given) is not tuple or len(given) not in (2, 3):
        return False
    count = len(tf.nest.flatten(specs))
    if isinstance(given[0], list | tuple | Mapping):
        return len(given[0]) == count
    return count == 1


def _one_batch(given: Any) -> bool:
    """Whether inputs, labels and weights have a row for each of the same examples."""
    sizes = [{tuple(getattr(leaf, "shape", ()))[:1] for leaf in tf.nest.flatten(part)} for part in given]
    return all(size == sizes[0] and len(size) == 1 and size != {()} for size in sizes)


def has_labels(element: Any, specs: Any) -> bool:
    """Whether an element of a data set is (inputs, labels) or (inputs, labels, weights), as Keras takes them."""
    is_tuple = type(element) is tuple and len(element) in (2, 3)
    return is_tuple and (specs is None or len(tf.nest.flatten(specs)) != len(element) or _has_labels(element, specs))


def _of_data_set(given: tf.data.Dataset, specs: Any) -> Contents:
    if given.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise InputError("a data set of examples must have an end. Got one that repeats for ever; take(n) ends it.")
    element = given.element_spec
    labelled = has_labels(element, specs)
    found = element[0] if labelled else element
    _check_batches(found, specs)
    parts = [tf.nest.flatten(part[0] if labelled else part) for part in given.as_numpy_iterator()]
    if not parts:
        raise InputError("a data set of examples must hold a batch. Got an empty one.")
    try:
        arrays = [np.concatenate(leaves) for leaves in zip(*parts, strict=True)]
    except ValueError:
        shapes = sorted({leaf.shape[1:] for leaves in parts for leaf in leaves})
        raise InputError(f"batches of a data set must have examples of one shape. Got {shortened(shapes)}.") from None
    return Contents(tf.nest.pack_sequence_as(found, arrays), (_LABELS,) if labelled else ())


def _check_batches(element: Any, specs: Any) -> None:
    leaves = tf.nest.flatten(element)
    for leaf in leaves:
        if not isinstance(leaf, tf.TensorSpec):
            raise InputError(f"a data set of examples must hold dense tensors. Got {type(leaf).__name__}.")
    wanted = [None] * len(leaves) if specs is None else tf.nest.flatten(specs)
    for leaf, spec in zip(leaves, wanted, strict=False):
        rank = None if spec is None else spec.shape.rank
        if leaf.shape.rank == 0 or (rank is not None and leaf.shape.rank == rank - 1):
            shown = list(leaf.shape)
            raise InputError(f"a data set of examples must be in batches. Got elements {shown}; batch(32) makes some.")


def _is_table(given: Any) -> bool:
    """Whether an object is a pandas DataFrame, which is known by its class: pandas need not be installed."""
    kinds = [(kind.__module__.partition(".")[0], kind.__name__) for kind in type(given).__mro__]
    return ("pandas", "DataFrame") in kinds


def _of_table(table: Any, specs: Any) -> Contents:
    names, leaves = ([], []) if specs is None else (names_of(specs), tf.nest.flatten(specs))
    if len(leaves) > 1 or isinstance(specs, Mapping):
        if not table.columns.is_unique or set(table.columns) != set(names):
            got = shortened(list(table.columns))
            raise InputError(f"a table must have one column for each input, {shortened(names)}. Got {got}.")
        wanted = dict(zip(names, leaves, strict=True))
        arrays = {name: _column(table, at, wanted[name].dtype) for at, name in enumerate(table.columns)}
        shapes = {name: [-1, *[1] * (len(wanted[name].shape) - 1)] for name in arrays}
        return Contents({name: array.reshape(shapes[name]) for name, array in arrays.items()}, table=table)
    if not table.shape[1]:
        raise InputError("a table must have a column. Got none.")
    dtype = leaves[0].dtype if leaves else None
    return Contents(np.column_stack([_column(table, at, dtype) for at in range(table.shape[1])]), table=table)


def _column(table: Any, position: int, dtype: tf.DType | None) -> np.ndarray:
    """Returns a column as numbers, or as texts for an input of strings.

    Raises:
      InputError: a column of another kind, or missing values.
    """
    column, name = table.iloc[:, position], shortened(table.columns[position])
    if column.isna().any():
        raise InputError(f"column {name} of a table must have a value in each row. Got missing values.")
    if dtype == tf.string:
        texts = column.astype(object).to_numpy()
        if not all(isinstance(text, str | bytes) for text in texts):
            raise InputError(f"column {name} of a table must be texts. Got {column.dtype}.")
        return texts
    if getattr(column.dtype, "kind", "O") not in "biuf":
        raise InputError(f"column {name} of a table must be numbers. Got {column.dtype}.")
    return np.asarray(column.to_numpy(dtype=getattr(column.dtype, "numpy_dtype", column.dtype)))
