"""Masks that a model makes of its inputs, as Keras' `Masking` does, compared between examples and baselines."""

from collections.abc import Iterator
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.engine.call import Call
from deepexplain_tf.objective.scope import Scope


def masks_changed(call: Call) -> Iterator[str]:
    """Yields a note if masks, which are comparisons with constants, differ between examples and their baselines."""
    masks = call.objective.masks
    if not masks or not call.baseline or call.method.from_inputs:  # then masks may lie before the explained tensors
        return
    changed = functools.reduce(np.logical_or, map(_changed, call.by_baseline()))
    counts = changed.sum(1)
    names = [repr(value.node.name) for value, count in zip(masks, counts, strict=True) if count]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        kind = call.method.sets or "baseline"
        yield (
            f"the {kind} changes the mask {names[0]}{more} of {max(counts)} of {changed.shape[1]} examples; a {kind} "
            "for each example, which equals it where it is masked, keeps the mask"
        )


def _changed(call: Call) -> np.ndarray:
    """Returns booleans `[masks, batch]`: whether the baseline of an example changes a mask."""
    masks = call.objective.masks

    def graph(inputs: Any, selector: Any, baseline: Any, data: Any) -> list[tf.Tensor]:
        del data
        scope = Scope(call.objective, inputs, selector)
        ends = (scope.inner(masks, scope.explained), scope.inner(masks, scope.expand_baseline(baseline)))
        return [tf.reduce_any(x != x0, list(range(1, len(x.shape)))) for x, x0 in zip(*ends, strict=True)]

    found = []
    for batch, count in call.batches(len(call.inputs[0]), call.batch_size):
        fed = call.arguments({}, functools.partial(np.take, indices=batch, axis=0))
        compiled = call.engine.compiled("masks", graph, call.method, call.objective, fed)
        found.append([mask.numpy()[:count] for mask in call.run(compiled, fed)])
    return np.concatenate(found, axis=1)
