"""What the flags of the commands are written in."""

import ast
from collections.abc import Iterable
import contextlib
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from deepexplain_tf.arguments.noise import Noise, noise as make_noise
from deepexplain_tf.cli.command import UsageError
from deepexplain_tf.cli.files import read_array
from deepexplain_tf.errors import OptionError

METHOD = "The attribution method. An unknown name lists those that exist."
NOISE = """Noise around the method: smoothgrad, smoothgrad_sq or vargrad, or model for that of a random model; then the
    arguments of dx.noise, as smoothgrad,stdev=10%,n_samples=50."""
# What `options` reads; absl adds that the flag can be repeated.
OPTION = "An option of the method as name=value, as n_steps=128, where an .npy file stands for its array"
_INPUT = re.compile(r"(?:(?P<name>.+):)?(?P<dtype>\w+)\[(?P<shape>(?:\d+|\?)(?:,(?:\d+|\?))*)\]")
Target = int | tuple[int, ...] | npt.NDArray[np.int64] | None


def target(text: str | None) -> Target:
    """Reads `7`, `3,8` (one per example) or `(4,2)` (an index into the axes after the batch); None stays."""
    if text is None:
        return None
    with contextlib.suppress(ValueError, SyntaxError):
        value = ast.literal_eval(text.strip())
        whole = value if isinstance(value, tuple) else (value,)
        if all(type(number) is int for number in whole):
            if value is not whole:
                return int(value)
            return whole if text.strip().startswith("(") else np.array(whole)
    raise UsageError(
        f"--target must be one number, as 7, one per example, as 3,8, or an index, as (4,2). Got {text!r}."
    )


def number(text: str) -> float | None:
    """Returns the number that a text is, or None."""
    with contextlib.suppress(ValueError):
        return float(text)
    return None


def name_or_numbers(text: str) -> str | float | tuple[float, ...]:
    """Reads `0.5` or `127,128`; any other text, such as a name, stays."""
    with contextlib.suppress(ValueError):
        numbers = tuple(float(part) for part in text.split(","))
        return numbers if len(numbers) > 1 else numbers[0]
    return text


def name_or_index(text: str) -> str | int:
    """Returns the integer that a text is, else the text: an output is meant by its name or index."""
    return int(text) if text.lstrip("-").isdigit() else text


def input_signature(texts: Iterable[str] | None, flag: str = "--input_signature") -> list[Any] | None:
    """Reads `NAME:DTYPE[SHAPE]` of each text, as `x:float32[?,4]`, as a `tf.TensorSpec`; None stays."""
    return None if texts is None else [_spec(text, flag) for text in texts]


def _spec(text: str, flag: str) -> Any:
    import tensorflow as tf

    if found := _INPUT.fullmatch(text.replace(" ", "")):
        shape = [None if axis == "?" else int(axis) for axis in found["shape"].split(",")]
        with contextlib.suppress(TypeError):  # no such dtype
            return tf.TensorSpec(shape, found["dtype"], found["name"])
    raise UsageError(f"{flag} must be NAME:DTYPE[SHAPE], as x:float32[?,28,28,1]. Got {text!r}.")


def options(texts: Iterable[str]) -> dict[str, Any]:
    """Reads `name=value` of each text: a Python literal, the array of an `.npy` file, or plain text."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--option must be name=value, as --option=n_steps=128. Got {text!r}.")
        if name in found:
            raise UsageError(f"--option gives {name} twice.")
        found[name] = _option(value)
    return found


def noise(text: str | None) -> Noise | None:
    """Reads `model` or `vargrad,stdev=10%,n_samples=20` as what `dx.noise` returns; None stays."""
    if text is None:
        return None
    kind, *given = text.split(",")
    try:
        return make_noise(kind, **options(given))
    except OptionError as error:
        raise UsageError(f"--noise: {error}") from None
    except (UsageError, TypeError):
        example = "smoothgrad,stdev=10%,n_samples=50"
        raise UsageError(f"--noise must be a kind, then stdev, n_samples, seed, as {example}. Got {text!r}.") from None


def options_by_owner(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Reads `NAME.option=value` of each text, as `options`, for each name."""
    found: dict[str, list[str]] = {}
    for text in texts:
        owner, dot, rest = text.partition(".")
        if not dot or not owner or "=" in owner:
            example = "--option=integrated_gradients.n_steps=128"
            raise UsageError(f"--option must be NAME.option=value, as {example}. Got {text!r}.")
        found.setdefault(owner, []).append(rest)
    return {owner: options(rests) for owner, rests in found.items()}


def array_or_text(text: str | None) -> Any:
    """Returns the array of an `.npy` file, and any other text, or None, as it is."""
    return read_array(text) if text is not None and text.endswith(".npy") else text


def _option(text: str) -> Any:
    with contextlib.suppress(ValueError, SyntaxError):
        return ast.literal_eval(text)
    return array_or_text(text)
