"""The models of `examples/zoo.py`, one module for each kind."""

from zoo_models import applications, attention, images, sequences, trained  # noqa: F401
from zoo_models.base import MODELS, Entry
from zoo_models.calibration import calibrate, faded

__all__ = ["MODELS", "Entry", "calibrate", "faded"]
