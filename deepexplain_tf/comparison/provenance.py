"""What a comparison was made of and with."""

from collections.abc import Mapping
import os
import platform
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf
from deepexplain_tf.comparison.plain import described
from deepexplain_tf.comparison.requests import MethodRequest, MetricRequest
from deepexplain_tf.comparison.work import Work
from deepexplain_tf.explanation import Explanation


def provenance(
    work: Work,
    methods: Mapping[str, MethodRequest],
    metrics: Mapping[str, MetricRequest],
    explanations: Mapping[str, Explanation],
) -> dict[str, Any]:
    """Returns versions, arguments and notes, as JSON has them."""
    explained = work.explained
    model = work.model if isinstance(work.model, str | os.PathLike) else getattr(work.model, "name", None)
    notes = {label: list(explanation.notes) for label, explanation in explanations.items()}
    return {
        "versions": {
            "deepexplain_tf": deepexplain_tf.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "model": {"type": type(work.model).__name__, "name": None if model is None else str(model)},
        "model_options": described(work.model_options),
        "inputs": described({str(n): array for n, array in enumerate(explained.call.inputs)}),
        "examples": len(explained.tensors[0]),
        "target": described(explained.target),
        "baseline": described(work.baseline),
        "groups": described(work.groups),
        "seed": work.seed,
        "sizes": described(work.sizes),
        "methods": {
            label: {"method": m.name, "options": described(m.options), "notes": notes.get(label, [])}
            for label, m in methods.items()
        },
        "metrics": {name: {"better": m.metric.better, "options": described(m.options)} for name, m in metrics.items()},
    }
