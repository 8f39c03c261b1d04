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
    while batch.good:
        try:
            columns = explained(batch.filled())
            break
        except (InputError, TargetError):
            # As many copies as the batch has rows compile nothing anew.
            bad = _refused(batch, explained.check, 1) or _refused(batch, explained, batch.count)
            if not bad:
                raise
            batch = dataclasses.replace(batch, bad=dict(sorted({**batch.bad, **bad}.items())))
    else:
        return {}, batch
    finite = np.isfinite(columns["outputs"].reshape(batch.count, -1)).min(1)
    if not finite.all():
        for position in batch.good:
            if not finite[position]:
                batch.bad[position] = "the explained output must be finite. Got NaN or Inf."
    if batch.bad:
        columns = {name: array[batch.good] for name, array in columns.items()} if batch.good else {}
    return columns, batch


def _refused(batch: Batch, call: Any, copies: int) -> dict[int, str]:
    """Returns the reasons for the good rows of which a call refuses so many copies with InputError or TargetError."""
    bad = {}
    for position in batch.good:
        rows = np.full(copies, position)
        try:
            call(tf.nest.map_structure(lambda array, rows=rows: array[rows], batch.inputs))
        except (InputError, TargetError) as error:
            bad[position] = str(error)
    return bad
