"""Formats in which an explainer leaves Python; each is one file, which registers it when this module imports it."""

from deepexplain_tf.export.base import FORMATS, make_format, save
from deepexplain_tf.export.program import ExplainerProgram
from deepexplain_tf.export.saved_model import SavedModel
from deepexplain_tf.export.stablehlo import StableHLO

__all__ = ["FORMATS", "ExplainerProgram", "SavedModel", "StableHLO", "make_format", "save"]
