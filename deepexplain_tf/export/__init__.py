"""Explainers that leave Python. A format is one file, registered once; importing it here makes it known."""

from deepexplain_tf.export.base import FORMATS, make_format, save
from deepexplain_tf.export.program import ExplainerProgram
from deepexplain_tf.export.saved_model import SavedModel
from deepexplain_tf.export.stablehlo import StableHLO

__all__ = ["FORMATS", "ExplainerProgram", "SavedModel", "StableHLO", "make_format", "save"]
