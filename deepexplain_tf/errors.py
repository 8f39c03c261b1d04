"""The errors that this library raises: each states the requirement, what came and what is possible."""

from collections.abc import Iterable
import difflib

_MAX_LENGTH = 500


class DeepExplainError(ValueError):
    """Base of the errors of this library; its message has at most 500 characters."""

    def __init__(self, message: str):
        if len(message) > _MAX_LENGTH:
            message = message[: _MAX_LENGTH - 1] + "…"
        super().__init__(message)


class InputError(DeepExplainError):
    """An input or baseline that the model cannot take."""


class TargetError(DeepExplainError):
    """A target that the model's output does not have."""


class OptionError(DeepExplainError):
    """An option that the method does not have, or a value outside its range."""


class UnknownNameError(DeepExplainError):
    """A method, rule, layer or output that does not exist."""


class ModelError(DeepExplainError):
    """Something that is no model, or a model that cannot be traced."""


class UnsupportedOpError(DeepExplainError):
    """An op between the explained tensor and the target that no rule covers."""


class ClosedError(DeepExplainError):
    """Use of a `DeepExplain` outside its with-block."""


def closest(name: str, known: Iterable[str]) -> str:
    """Returns the known names nearest to `name`, or all of them where none is near, for a message."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    listed = near or names
    shown = ", ".join(repr(item) for item in listed[:12])
    more = f", … ({len(listed)} in all)" if len(listed) > 12 else ""
    return ("closest: " if near else "known: ") + (shown or "none") + more
