"""The errors of this library: a message states the requirement, then the value that came, then what is possible.

Where TensorFlow, Keras or a function of the user fails, the message tells the cause by `brief`, with the line of the
user's own code. The error is raised `from None`, so that Python prints no other traceback before it; the failure itself
stays in `__context__`.
"""

from collections.abc import Iterable, Sequence
import difflib
import functools
import importlib
import os
import re
import sysconfig
import traceback
import types
from typing import Any

_MAX_LENGTH = 500
_LISTED = 12  # at most so many names in a message
_CLOSE = 0.75  # a typo has this share of letters in common with the name that was meant, and unrelated words have less
# Files that are not the user's: packages, Python itself, this library, and what AutoGraph and Python make up.
_PACKAGES = ("site-packages", "dist-packages", "__autograph_generated_file")
_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_LIBRARIES = (sysconfig.get_path("stdlib"), _HERE, "<frozen", "<string", "<__array")
_WRITTEN = re.compile(r'File "([^"]+)", line (\d+), in')
_BRIEF = 240  # at most so many characters of another library's message
# What TensorFlow and Keras put into a message: colours, nodes with all their attributes, devices, the op at the end.
_NOISE = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"'?\{\{node [^}]*\}\} = (\w+)\[.*?\]\([^)]*\)'?"), r"\1"),
    (re.compile(r"\{\{function_node [^}]*\}\}\s*"), ""),
    (re.compile(r"\{\{node ([^}]*)\}\}"), r"\1"),
    (re.compile(r"\s*\[Op:(\w+)\].*"), r" (\1)"),
)
# Beginnings of the lines of a traceback, and of the lines that Keras and TensorFlow add to it.
_FRAMES = ("File ", "•", "Arguments received", "Call arguments", "[[", "[Op:", "Detected at", "Original stack")


class DeepExplainError(ValueError):
    """Base class of this library's errors; a longer message is cut to 500 characters.

    Args:
      message: the requirement, what came, and what is possible.
      failure: another error that was caught before, to be kept in `__context__` and not printed.
    """

    def __init__(self, message: str, failure: BaseException | None = None):
        if len(message) > _MAX_LENGTH:
            message = message[: _MAX_LENGTH - 1] + "…"
        super().__init__(message)
        if failure is not None:
            self.__context__, self.__suppress_context__ = failure, True


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


def imported(module: str, missing: str) -> Any:
    """Returns a module of a package that is an extra.

    Args:
      module: the name of the module.
      missing: the message where it is not installed, which says how to install it.

    Raises:
      DeepExplainError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise DeepExplainError(missing) from None


def shortened(value: object) -> str:
    """Returns `repr(value)` as one line, cut to 80 characters, for a message."""
    text = re.sub(r"\s*\n\s*", " ", repr(value))
    return text if len(text) <= 80 else text[:79] + "…"


def name_of(function: object) -> str:
    """Returns the name of a user's function, for a message; with the line of one without a name of its own."""
    name = getattr(function, "__name__", type(function).__name__)
    if not isinstance(function, types.FunctionType) or name != "<lambda>":
        return repr(name)
    code = function.__code__
    return f"{name!r} at line {code.co_firstlineno} of {os.path.basename(code.co_filename)}"


def closest(name: str, known: Iterable[str]) -> str:
    """Returns, for a message, up to 3 known names close to `name`, or up to 12 known names where none is close.

    A name is close if it is spelled like `name`, whatever the case, hyphens and underscores; if one of its words is; or
    if it begins with the same three letters or more.
    """
    names = sorted(known)
    likeness = _likeness(name, names)
    near = sorted((item for item in names if likeness[item]), key=lambda item: -likeness[item])
    listed = near[:3] or names
    shown = ", ".join(repr(item) for item in listed[:_LISTED])
    more = f", … ({len(listed)} in all)" if len(listed) > _LISTED else ""
    return ("closest: " if near else "known: ") + (shown or "none") + more


def _likeness(name: str, names: Sequence[str]) -> dict[str, float]:
    """Returns for each of `names` the share of letters that it has in common with `name`, 0 where it is not close."""
    given = _letters(name)
    matcher = difflib.SequenceMatcher(None, "", given)

    @functools.cache
    def ratio(word: str) -> float:
        matcher.set_seq1(word)
        near = matcher.real_quick_ratio() >= _CLOSE and matcher.quick_ratio() >= _CLOSE  # bounds that are sooner known
        found = matcher.ratio() if near else 0.0
        return found if found >= _CLOSE else 0.0

    def close(known: str) -> float:
        whole, *words = (_letters(text) for text in (known, *re.split(r"[\W_]+", known)))
        begins = len(given) >= 3 and len(whole) >= 3 and (whole.startswith(given) or given.startswith(whole))
        in_words = any(ratio(word) for word in words if len(word) >= 3)
        return max(ratio(whole), _CLOSE if begins or in_words else 0.0)

    return {known: close(known) for known in names}


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name[:200].lower())


def brief(error: BaseException | None) -> str:
    """Returns, in one line, the class and the telling line of another library's error, and the user's line behind it.

    Args:
      error: the error, as it was caught.
    """
    text = str(error)
    if "Exception encountered when calling" in text:  # a `KeyError` shows its message as Python would write it
        text = text.replace("\\n", "\n").replace("\\x1b", "\x1b")
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    line = lines[0]
    if line.startswith(("in user code:", "Graph execution error:")) or "Exception encountered when calling" in line:
        # The message itself comes after the frames and before the arguments that Keras lists.
        candidates = [candidate for candidate in lines[1:] if not candidate.startswith(_FRAMES)]
        line = candidates[-1] if candidates else line
    for pattern, replacement in _NOISE:
        line = pattern.sub(replacement, line)
    kind = f"{type(error).__name__.removeprefix('MultilineMessage')}: "
    line = (line if line.startswith(kind) else kind + line)[:_BRIEF]
    place = "" if error is None else _place(error)
    return f"{line} ({place})" if place else line


def _place(error: BaseException) -> str:
    """Returns the innermost line of the user's own code at which an error was raised, `""` where there is none."""
    raised = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    # AutoGraph runs copies of functions, and graphs run later: their messages list the lines.
    lists = any(beginning in str(error) for beginning in ("in user code:", "Detected at node"))
    written = [(file, int(line)) for file, line in _WRITTEN.findall(str(error))] if lists else []
    for places in (written, raised):
        for file, line in reversed(places):
            if file.startswith(_HERE):
                break  # what lies before it is where the user called this library
            if not _of_library(file):
                return f'File "{file if len(file) <= 120 else "…" + file[-119:]}", line {line}'
    return ""


def _of_library(file: str) -> bool:
    return file.startswith(_LIBRARIES) or file.endswith(".pyx") or any(part in file for part in _PACKAGES)
