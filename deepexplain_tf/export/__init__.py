"""Explainers that leave Python."""

from deepexplain_tf.export.program import Program
from deepexplain_tf.export.saved_model import save

__all__ = ["Program", "save"]
