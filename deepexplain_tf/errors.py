"""The errors that this library raises: each states the requirement, what came and what is possible."""

from collections.abc import Iterable
import difflib

_MAX_LENGTH = 500
_LISTED = 12  # names that a message lists
# How the lines of a traceback, and of what Keras and TensorFlow add to one, begin.
_FRAMES = ("File ", "•", "Arguments received", "Call arguments", "[[", "[Op:", "Detected at", "Original stack")


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


class PathError(DeepExplainError, OSError):
    """A path that cannot be written to, or that holds something already."""


def shortened(value: object) -> str:
    """Returns what came, quoted and cut to fit into a message."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def closest(name: str, known: Iterable[str]) -> str:
    """Returns the known names nearest to `name`, or all of them where none is near, for a message."""
    names = sorted(known)
    spelled = {item.lower(): item for item in reversed(names)}
    near = [spelled[item] for item in difflib.get_close_matches(name[:64].lower(), spelled, n=3, cutoff=0.5)]
    listed = near or names
    shown = ", ".join(repr(item) for item in listed[:_LISTED])
    more = f", … ({len(listed)} in all)" if len(listed) > _LISTED else ""
    return ("closest: " if near else "known: ") + (shown or "none") + more


def brief(error: Exception | None) -> str:
    """Returns the line of another library's error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    line = lines[0]
    if line.startswith(("in user code:", "Exception encountered when calling", "Graph execution error:")):
        # The error's own words stand behind the frames, and before the arguments that Keras lists.
        said = [found for found in lines[1:] if not found.startswith(_FRAMES)]
        line = said[-1] if said else line
    kind = f"{type(error).__name__}: "
    return (line if line.startswith(kind) else kind + line)[:300]
