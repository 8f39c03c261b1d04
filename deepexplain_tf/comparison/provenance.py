"""The provenance of a comparison: its versions, arguments and notes."""

from collections.abc import Mapping
import platform
from typing import Any

import numpy as np

from deepexplain_tf.comparison.requests import MethodRequest, MetricRequest
from deepexplain_tf.comparison.runner import Runner
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.writing.json_values import checksum, to_json, versions

_WHOLE = 64  # elements up to which an array is listed in full


def provenance(
    runner: Runner,
    methods: Mapping[str, MethodRequest],
    metrics: Mapping[str, MetricRequest],
    explanations: Mapping[str, Explanation],
) -> dict[str, Any]:
    """Returns versions, arguments and notes, as values of JSON."""
    explained, source = runner.explained, runner.opened.engine.source
    name = source.path or getattr(source.owner, "name", None)
    notes = {label: list(explanation.notes) for label, explanation in explanations.items()}
    return {
        "versions": {**versions(), "numpy": np.__version__, "python": platform.python_version()},
        "model": {"type": type(source.owner).__name__, "name": None if name is None else str(name)},
        "model_options": described(runner.model_options),
        "inputs": described({str(n): array for n, array in enumerate(explained.call.inputs)}),
        "examples": len(explained.tensors[0]),
        "target": described(explained.target),
        "baseline": described(runner.baseline),
        "groups": described(runner.groups),
        "seed": runner.seed,
        "sizes": described(runner.sizes),
        "methods": {
            label: {"method": m.name, "options": described(_options(m)), "notes": notes.get(label, [])}
            for label, m in methods.items()
        },
        "metrics": {name: {"better": m.better, "options": described(m.options)} for name, m in metrics.items()},
    }


def _options(request: MethodRequest) -> dict[str, Any]:
    return {name: value for name, value in request.method.options.items() if name in request.options}


def described(value: Any) -> Any:
    """Returns an argument as a value of JSON: small arrays in full, large ones as dtype, shape and checksum."""
    return to_json(value, _of_array)


def _of_array(array: np.ndarray) -> Any:
    if array.size > _WHOLE:
        return f"{array.dtype.name}{list(array.shape)} sha256 {checksum(array)[:16]}"
    return (array if array.dtype.kind in "biufOUST" else array.astype(np.float64)).tolist()
