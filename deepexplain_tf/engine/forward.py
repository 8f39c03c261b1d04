"""The model's own values: the output before the target is selected, and the explained tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.engine.call import run_compiled
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.memory import BATCH_SIZE
from deepexplain_tf.objective.objective import Objective


def forward(engine: Engine, objective: Objective, arrays: Sequence[Any]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns the output before selection, and the explained tensors, both evaluated in batches.

    Args:
      engine: the engine of the model.
      objective: the explained function.
      arrays: an array `[batch, ...]` for each input of the model.
    """
    size, count = objective.batch or BATCH_SIZE, arrays[0].shape[0]
    outputs, explained = [], []
    for start in range(0, count, size):
        rows = np.arange(start, min(start + size, count))
        padded = np.resize(rows, size) if objective.batch else rows
        fed = {"inputs": [tf.convert_to_tensor(array[padded]) for array in arrays]}
        output, tensors = run_compiled(engine, objective, engine.forward(objective), fed)
        outputs.append(output.numpy()[: len(rows)])
        explained.append([tensor.numpy()[: len(rows)] for tensor in tensors])
    return np.concatenate(outputs), [np.concatenate(parts) for parts in zip(*explained, strict=True)]
