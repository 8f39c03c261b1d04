"""Docstrings in Google style, read into their parts."""

from collections.abc import Mapping
import dataclasses
import inspect
import re

_SECTION = re.compile(r"^(\w+):\n((?:(?: .*)?\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^  (\w+(?:, \w+)*): (.*(?:\n    .*)*)", re.MULTILINE)
_ITEM = re.compile(r"^- (`\w+`(?:, `\w+`)*): (.*(?:\n  .*)*)", re.MULTILINE)
_BASE = r"see `(?:\w+\.)*(?P<base>\w+)`"
_REFERENCE = re.compile(rf"[,;]? *\(?\b{_BASE}\)?")  # of one entry, as "which elements are one player; see `Base`."
_POINTER = re.compile(rf"[.;] (?:[Ff]or [^.;]{{1,40}} )?{_BASE}\.")  # of many, as "For the options see `Base`."


@dataclasses.dataclass(frozen=True)
class Docstring:
    """The parts of a docstring, each in one line.

    Attributes:
      summary: the first paragraph.
      paragraphs: what stands between that and the first section.
      entries: what the sections of attributes and arguments say of each name.
      references: the section of references.
    """

    summary: str
    paragraphs: tuple[str, ...]
    entries: Mapping[str, str]
    references: str


def read_docstring(text: str | None) -> Docstring:
    """Returns the parts of a docstring, where `a, b: meaning` is an entry of each of both names."""
    clean = inspect.cleandoc(text or "") + "\n"
    sections = dict(_SECTION.findall(clean))
    summary, *paragraphs = _SECTION.split(clean, maxsplit=1)[0].strip().split("\n\n")
    listed = "".join(sections.get(title, "") for title in ("Attributes", "Args"))
    entries = {name: _line(entry) for names, entry in _ENTRY.findall(listed) for name in names.split(", ")}
    return Docstring(_line(summary), tuple(map(_line, paragraphs)), entries, _line(sections.get("References", "")))


def read_list(text: str | None) -> dict[str, str]:
    """Returns what a list in a docstring says of names, each item beginning with them: "- `a`, `b`: meaning"."""
    items = _ITEM.findall(inspect.cleandoc(text or "") + "\n")
    return {name: _line(item) for names, item in items for name in re.findall(r"\w+", names)}


def read_class(kind: type) -> Docstring:
    """Returns the parts of a class's docstring, with the entries of its base classes where it has none of its own.

    Where an entry refers to a base class, as in "which elements are one player; see `Base`.", that one's text follows.
    Sentences that only refer to a base class are left out.
    """
    family = {base.__name__: read_docstring(base.__dict__.get("__doc__")) for base in kind.__mro__}
    own, names = family[kind.__name__], {name for one in family.values() for name in one.entries}
    entries = {name: _entry(name, family) for name in names}
    paragraphs = (_POINTER.sub(lambda found: "." if found["base"] in family else found[0], p) for p in own.paragraphs)
    return dataclasses.replace(own, paragraphs=tuple(paragraphs), entries=entries)


def _entry(name: str, family: Mapping[str, Docstring]) -> str:
    """Returns the first entry of a name among a class and its bases, with the text of the base to which it refers."""
    text = next(one.entries[name] for one in family.values() if name in one.entries)
    found = _REFERENCE.search(text)
    if found is None or name not in getattr(family.get(found["base"]), "entries", {}):
        return text
    own = (text[: found.start()] + text[found.end() :]).strip(" .")
    inherited = family[found["base"]].entries[name]
    return f"{own}. {inherited[0].upper()}{inherited[1:]}" if own else inherited


def _line(text: str) -> str:
    return " ".join(text.split())
