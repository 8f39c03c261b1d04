"""Writes `deepexplain_tf/methods/options.py`, the types of all methods' options, from the registry.

python examples/options_of_methods.py
"""

import textwrap

from absl import app

import deepexplain_tf as dx
from deepexplain_tf.methods import options
from deepexplain_tf.methods.base import METHODS
from results import write

_WIDTH = 120


def module() -> str:
    """Returns the module: one entry for each name of an option, which several methods may have."""
    owners: dict[str, list[str]] = {}
    types: dict[str, set[str]] = {}
    for method in METHODS:
        for option in dx.describe(method).options:
            owners.setdefault(option.name, []).append(method)
            types.setdefault(option.name, set()).update(option.type.split(" | "))
    entries = [_entry(name, types[name], owners[name]) for name in sorted(owners)]
    return "\n".join([_BEGINNING, *entries, ""])


def _entry(name: str, types: set[str], owners: list[str]) -> str:
    """Returns the lines of an option: a comment that names its methods, and its type."""
    shown = "Any" if "Any" in types else " | ".join(sorted(types, key=lambda one: (one == "None", one)))
    comment = textwrap.fill(f"# of {', '.join(owners)}", _WIDTH, initial_indent="    ", subsequent_indent="    # ")
    return f"{comment}\n    {name}: {shown}"


def main(argv: list[str]) -> None:
    """Writes the module, whole or not at all: the library that the registry comes from imports it."""
    del argv
    write(options.__file__, module())


_BEGINNING = '''"""The options of all methods, for type checkers; `examples/options_of_methods.py` writes this file."""

from typing import Any, TypedDict


class Options(TypedDict, total=False):
    """The options of all methods by name; `describe` tells which method takes which, and what they mean."""
'''

if __name__ == "__main__":
    app.run(main)
