"""Metrics: scores of attributions. Each is one file, registered once; importing it here makes it known."""

from deepexplain_tf.metrics.base import METRICS, Score
from deepexplain_tf.metrics.sensitivity_n import SensitivityN, draw_subsets, sensitivity_n

__all__ = [
    "METRICS",
    "Score",
    "SensitivityN",
    "draw_subsets",
    "list_metrics",
    "sensitivity_n",
]


def list_metrics() -> list[str]:
    """Returns the names of the metrics."""
    return list(METRICS)
