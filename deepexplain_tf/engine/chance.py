"""Models that give an example other outputs each time, since they draw random numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepexplain_tf.engine.own_call import repeated_outputs
from deepexplain_tf.errors import UnsupportedOpError
from deepexplain_tf.graph.sources.source import Source
from deepexplain_tf.graph.trace import Traced
from deepexplain_tf.objective.objective import Objective

_CALLS = 3


def changes_by_itself(source: Source, traced: Traced, inputs: Sequence[Any], positions: Sequence[int]) -> bool:
    """Whether calls of a model that assigns to its own seeds give the same inputs other outputs, one after the other.

    Args:
      source: the model as a callable.
      traced: its trace.
      inputs: `[rows, ...]` for each input.
      positions: the outputs that count.
    """
    if not traced.states:
        return False
    try:
        first, *others = repeated_outputs(source, traced, inputs, _CALLS)
    except Exception:  # a model may raise any, and may run in graphs only: then its seeds are the only sign
        return True
    pairs = [(first[number], outputs[number]) for outputs in others for number in positions]
    return any(not np.array_equal(before, after, equal_nan=True) for before, after in pairs)


def draw_error(objective: Objective) -> UnsupportedOpError:
    """Returns the error for an op that draws: one that cannot draw by number, or any where draws are not asked for."""
    assert objective.draw is not None, "there is one"
    found = f"Got {objective.draw.type} at node {objective.draw.name!r}"
    if objective.draws:
        return UnsupportedOpError(
            "a draw must be uniform or normal, of the model, not of a target, outside of loops, and [batch, ...] with "
            f"an open batch or the same for all rows. {found}; make the draw an input of the model."
        )
    return UnsupportedOpError(
        f"a model must give an example the same outputs whenever it is called. {found}, which draws other numbers each "
        'time; explain the mean over its draws with noise=dx.noise("model"), explain it without them (training=False), '
        "or make the draw an input."
    )
