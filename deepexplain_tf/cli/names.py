"""The flags that name features, classes and words."""

import pathlib
from typing import Any

from absl import flags

from deepexplain_tf.cli import files
from deepexplain_tf.cli.command import UsageError

_TEXTS = (
    ("feature_names", "Names of the columns or channels, as age,job,sex; or a .txt file with a name in each line."),
    ("class_names", "Names of the outputs, likewise."),
    ("tokens", "A .txt file with the words of each example in a line, between blanks; they become coloured words."),
)


def define(values: flags.FlagValues) -> None:
    """Defines the flags."""
    for name, words in _TEXTS:
        flags.DEFINE_string(name, None, words, flag_values=values)


def read(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns the names that were given, as arguments of `DeepExplain.explain`.

    Raises:
        UsageError: --tokens names no .txt file.
        FileNotFoundError: There is no such file.
    """
    found: dict[str, Any] = {}
    for name in ("feature_names", "class_names"):
        text: str | None = flag[name].value
        if text is not None:
            found[name] = _names(text)
    if flag.tokens is not None:
        if not flag.tokens.endswith(".txt"):
            raise UsageError(f"--tokens must be a .txt file. Got {flag.tokens!r}.")
        found["tokens"] = [line.split() for line in _lines(flag.tokens)]
    return found


def _names(text: str) -> list[str]:
    return _lines(text) if text.endswith(".txt") else [name.strip() for name in text.split(",")]


def _lines(path: str) -> list[str]:
    files.require_files(path)
    return pathlib.Path(path).read_text(encoding="utf-8").splitlines()
