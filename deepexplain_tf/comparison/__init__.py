"""Comparisons: several metrics score several methods on the user's model and examples."""

from deepexplain_tf.comparison.compare import METHODS, METRICS, compare
from deepexplain_tf.comparison.result import Comparison, ComparisonRow

__all__ = ["METHODS", "METRICS", "Comparison", "ComparisonRow", "compare"]
