"""Writes the table of all rules, from the registry: what each does, where it is used, whether it keeps the sum.

python examples/rules.py > examples/rules.md
"""

from collections.abc import Iterator, Mapping, Sequence
import inspect
import re

from absl import app

import deepexplain_tf as dx
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.composites import DEEPLIFT_RULES
from deepexplain_tf.rules.relevance.composites import NAMED, relevance
from results import markdown_table

_KEEPS = ("Conserves", "Guarantees", "Complete", "Exact")
_HEADER = ("rule", "what it passes on", "used by", "the sum", "source")


def table() -> str:
    """Returns the table in Markdown, one row for each rule."""
    used: dict[str, dict[str, list[str]]] = {name: {} for name in RULES}
    for rule, method, where in _uses():
        used[rule].setdefault(method, []).append(where)
    rows = [
        (f"`{name}`", what, _shown(used[name]), keeps, source)
        for name in dx.list_rules()
        for what, keeps, source in [_described(name)]
    ]
    return markdown_table(_HEADER, rows, left=len(_HEADER))


def _described(name: str) -> tuple[str, str, str]:
    """Returns what a rule's docstring says: its first sentence, whether it keeps the sum, and its source."""
    text = inspect.getdoc(RULES[name]) or ""
    body, _, source = text.partition("References:")
    body = body.partition("Args:")[0].partition("Raises:")[0]
    sentences = re.split(r"(?<=\.)\s+(?=[A-ZΣ0-9])|(?<=\.)\s+(?=[cs] [=i])", " ".join(body.split()))
    first = re.sub(r"^Returns (the rule )?(that |of )?", "", sentences[0])
    keeps = next((sentence for sentence in sentences if sentence.startswith(_KEEPS)), "—")
    return first, keeps, " ".join(source.split()) or "—"


def _shown(places: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"`{method}` ({', '.join(dict.fromkeys(where))})" for method, where in places.items()) or "—"


def _uses() -> Iterator[tuple[str, str, str]]:
    """Yields each use of a rule: its name, the method, and the kind of op or the composite."""
    for method in METHODS:
        if method == "lrp":
            continue
        maps = DEEPLIFT_RULES.values() if method == "deeplift" else [METHODS[method]().override_map]
        for kind, rule in (pair for composite in maps for pair in composite.rules.items()):
            yield _name(rule), method, str(kind)
    for composite, selected in NAMED.items():
        for _, rule in selected:
            yield _name(rule), "lrp", composite
    for kind, rule in relevance((), required=False).rules.items():
        if rule is not None:
            yield _name(rule), "lrp", str(kind)


def _name(rule: object) -> str:
    """Returns the name under which a rule, or what makes it, is registered."""
    return getattr(rule, "text", "").partition("(")[0] or getattr(rule, "__qualname__", "").partition(".")[0]


def main(argv: list[str]) -> None:
    """Prints the table with its heading."""
    del argv
    print(f"# Rules\n\n{inspect.cleandoc(_ABOUT)}\n\n{table()}", end="")


_ABOUT = """
    `python examples/rules.py > examples/rules.md` writes this table from the docstrings of the rules
    (`deepexplain_tf/rules/`) and from what methods and composites use. `dx.list_rules()` has their names; those for
    `lrp` are functions of `dx.rules`, and a composite of one's own may use each of them.
"""

if __name__ == "__main__":
    app.run(main)
