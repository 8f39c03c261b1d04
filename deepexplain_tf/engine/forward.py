"""The model's own values: the output before the target is selected, and the explained tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.execution import run_compiled
from deepexplain_tf.engine.memory import BATCH_SIZE
from deepexplain_tf.engine.replicas import Replicas
from deepexplain_tf.objective.objective import Objective


def forward(engine: Engine, objective: Objective, arrays: Sequence[Any]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns the output before selection, and the explained tensors, both evaluated in batches.

    Args:
      engine: the engine of the model.
      objective: the explained function.
      arrays: an array `[batch, ...]` for each input of the model.
    """
    replicas, total = Replicas.here(), arrays[0].shape[0]
    size = (objective.batch or BATCH_SIZE) * replicas.count
    outputs, explained = [], []
    for start in range(0, total, size):
        rows = np.arange(start, min(start + size, total))
        share = objective.batch or replicas.share(len(rows))
        parts = list(replicas.split(np.resize(rows, share * replicas.count), len(rows)))
        fed = [{"inputs": [tf.convert_to_tensor(array[part]) for array in arrays]} for part, _ in parts]
        results = run_compiled(engine, objective, engine.forward(objective), fed, replicas)
        for (output, tensors), (_, count) in zip(results, parts, strict=True):
            outputs.append(output.numpy()[:count])
            explained.append([tensor.numpy()[:count] for tensor in tensors])
    return np.concatenate(outputs), [np.concatenate(parts) for parts in zip(*explained, strict=True)]
