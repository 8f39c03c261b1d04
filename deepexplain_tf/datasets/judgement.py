"""Bad rows of a batch: found before or by the call, set aside, and without influence on the others."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.datasets.explainers import Explained
from deepexplain_tf.datasets.rows import Batch
from deepexplain_tf.datasets.sinks import Part
from deepexplain_tf.errors import InputError, TargetError


def explained_rows(explained: Explained, batch: Batch) -> tuple[Part, Batch]:
    """Returns the columns of the good rows, and the batch with the reasons of the bad ones; no columns if all are bad.

    The explainer always sees as many rows as the batch has: the first good one stands in the place of each bad one.
    """
    columns = _tried(explained, batch)
    for call, alone in ((explained.check, True), (explained, False)):
        if columns is not None or not batch.good:
            break
        batch = _without(batch, call, alone=alone)
        columns = _tried(explained, batch)
    if not batch.good:
        return {}, batch
    columns = explained(batch.filled()) if columns is None else columns
    finite = np.atleast_1d(np.isfinite(columns["outputs"].reshape(batch.count, -1)).all(1))
    if not finite.all():
        for position in batch.good:
            if not finite[position]:
                batch.bad[position] = "the explained output must be finite. Got NaN or Inf."
    if batch.bad:
        columns = {name: array[batch.good] for name, array in columns.items()} if batch.good else {}
    return columns, batch


def _tried(explained: Explained, batch: Batch) -> Part | None:
    """Returns the columns of a batch; None where a row is refused, or all are bad."""
    try:
        return explained(batch.filled()) if batch.good else None
    except (InputError, TargetError):
        return None


def _without(batch: Batch, call: Any, *, alone: bool) -> Batch:
    """Returns the batch without the rows that a call refuses.

    Args:
      batch: the batch.
      call: raises InputError or TargetError for rows that cannot be explained.
      alone: whether the call is tried with one row; else with as many copies of it as the batch has rows, which
        compiles nothing anew.

    Raises:
      InputError, TargetError: the call refuses the batch, and none of its rows.
    """
    try:
        call(batch.filled())
        return batch
    except (InputError, TargetError) as error:
        refused = error
    bad = dict(batch.bad)
    for position in batch.good:
        rows = np.full(1 if alone else batch.count, position)
        try:
            call(tf.nest.map_structure(lambda array, rows=rows: array[rows], batch.inputs))
        except (InputError, TargetError) as error:
            bad[position] = str(error)
    if len(bad) == len(batch.bad):
        raise refused
    return dataclasses.replace(batch, bad=dict(sorted(bad.items())))
