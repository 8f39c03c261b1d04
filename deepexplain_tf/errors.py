"""The errors of this library: a message states the requirement, then the value that came, then what is possible."""

from collections.abc import Iterable
import difflib

_MAX_LENGTH = 500
_LISTED = 12  # at most so many names in a message
# Beginnings of the lines of a traceback, and of the lines that Keras and TensorFlow add to it.
_FRAMES = ("File ", "•", "Arguments received", "Call arguments", "[[", "[Op:", "Detected at", "Original stack")


class DeepExplainError(ValueError):
    """Base class of this library's errors; a longer message is cut to 500 characters."""

    def __init__(self, message: str):
        if len(message) > _MAX_LENGTH:
            message = message[: _MAX_LENGTH - 1] + "…"
        super().__init__(message)


class InputError(DeepExplainError):
    """An input, baseline or background that the model cannot take."""


class TargetError(DeepExplainError):
    """A target that does not fit the model's output, or that does not depend on the explained tensors."""


class OptionError(DeepExplainError):
    """An option that does not exist, or a value outside its range."""


class UnknownNameError(DeepExplainError):
    """The name of a method, rule, layer or output that does not exist."""


class ModelError(DeepExplainError):
    """A file without a model, or a model that cannot be traced, compiled or run."""


class UnsupportedOpError(DeepExplainError):
    """An op between the explained tensor and the target that no rule covers."""


class ClosedError(DeepExplainError):
    """Use of a `DeepExplain` outside its with-block."""


class PathError(DeepExplainError, OSError):
    """A path that cannot be written to, or that exists already."""


def shortened(value: object) -> str:
    """Returns `repr(value)`, cut to 80 characters, for a message."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def closest(name: str, known: Iterable[str]) -> str:
    """Returns, for a message, up to 3 known names close to `name`, or up to 12 known names where none is close."""
    names = sorted(known)
    spelled = {item.lower(): item for item in reversed(names)}
    near = [spelled[item] for item in difflib.get_close_matches(name[:64].lower(), spelled, n=3, cutoff=0.5)]
    listed = near or names
    shown = ", ".join(repr(item) for item in listed[:_LISTED])
    more = f", … ({len(listed)} in all)" if len(listed) > _LISTED else ""
    return ("closest: " if near else "known: ") + (shown or "none") + more


def brief(error: Exception | None) -> str:
    """Returns the class and the one telling line of another library's error, at most 300 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    line = lines[0]
    if line.startswith(("in user code:", "Exception encountered when calling", "Graph execution error:")):
        # The message itself comes after the frames and before the arguments that Keras lists.
        candidates = [candidate for candidate in lines[1:] if not candidate.startswith(_FRAMES)]
        line = candidates[-1] if candidates else line
    kind = f"{type(error).__name__}: "
    return (line if line.startswith(kind) else kind + line)[:300]
