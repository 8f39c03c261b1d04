"""Addresses outside: well-formed, and one title for a paper. It asks no network; `sphinx -b linkcheck` does."""

import ast
from collections.abc import Iterator
import difflib
import pathlib
import re
import urllib.parse

import pytest

_ROOT = pathlib.Path(__file__).parents[1]
_PAGES = [
    *(_ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")),
    *sorted(_ROOT.glob("docs/**/*.md")),
    *sorted(_ROOT.glob("docs/tutorials/*.ipynb")),
    *sorted(_ROOT.glob("examples/**/*.md")),
]
_MODULES = sorted((_ROOT / "deepexplain_tf").rglob("*.py"))
_ADDRESS = re.compile(r"\b\w+://[^\s`\"'<>\\\]]+")
_LINK = re.compile(r"\[([^][]+)\]\((https?:[^)\s]+)\)")
# A title in italics, in front of an address without another one between them.
_TITLE = re.compile(r"\*([^*]+)\*(?:(?!https:|\*)[^\n])*?(https://arxiv\.org/abs/\d{4}\.\d{4,5})")
_ARXIV = re.compile(r"https://arxiv\.org/abs/\d{4}\.\d{4,5}")
_ALIKE = 0.75  # titles more alike than that are one title in two spellings; a short name such as RISE is less


def _docstrings(path: pathlib.Path) -> str:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return "\n\n".join(filter(None, (ast.get_docstring(node) for node in nodes if isinstance(node, kinds))))


def _texts() -> dict[str, str]:
    """Returns what people read, by file; lines of a paragraph are joined, as they are where they are shown."""
    texts = {path: path.read_text("utf-8") for path in _PAGES} | {path: _docstrings(path) for path in _MODULES}
    joined = {str(path.relative_to(_ROOT)): re.sub(r"(?<!\n)\n(?!\n) *", " ", text) for path, text in texts.items()}
    return {name: text for name, text in joined.items() if "://" in text}


_TEXTS = _texts()


def _addresses(text: str) -> Iterator[str]:
    """Yields the addresses of a text, without the brackets and the one mark of punctuation of the sentence around."""
    for found in _ADDRESS.findall(text):
        while found.count(")") > found.count("("):
            found = found[: found.rindex(")")]
        yield found[:-1] if found[-1] in ".,;:" else found


def _titles() -> list[tuple[str, str, str]]:
    """Returns the file, the address and the title of each paper."""
    return [
        (name, address, " ".join(title.split()))
        for name, text in _TEXTS.items()
        for title, address in (*_LINK.findall(text), *_TITLE.findall(text))
        if "arxiv.org" in address
    ]


def _same(one: str, other: str) -> bool:
    """Whether two titles are one in two spellings: alike, but not the same."""
    plain = [re.sub(r"\W+", "", title).casefold() for title in (one, other)]
    return one != other and difflib.SequenceMatcher(None, *plain).ratio() > _ALIKE


def test_addresses_and_titles_are_found():
    assert {"README.md", "docs/scores.md", "deepexplain_tf/methods/deeplift.py"} <= {*_TEXTS}
    assert [*_addresses("(see https://a.org/b_(c), and <https://d.org/>.)")] == [
        "https://a.org/b_(c)",
        "https://d.org/",
    ]
    assert len(_titles()) > 40
    assert _same("Sanity Checks for Saliency Maps", "Sanity checks for saliency maps")
    assert not _same("RISE", "RISE: Randomized Input Sampling for Explanation of Black-box Models")


@pytest.mark.parametrize("name", _TEXTS)
def test_addresses_are_well_formed(name):
    for address in (*_addresses(_TEXTS[name]), *(address for _, address in _LINK.findall(_TEXTS[name]))):
        parts = urllib.parse.urlsplit(address)
        assert parts.scheme == "https", address
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), address
        assert address[-1] not in ".,;:!?*", address
        assert "//" not in parts.path, address
        if parts.netloc.endswith("arxiv.org"):
            assert _ARXIV.fullmatch(address), f"{address}: arXiv's address of a paper, without a version or .pdf"


def test_a_paper_has_one_title_in_one_spelling():
    found: dict[str, dict[str, str]] = {}
    for name, address, title in _titles():
        found.setdefault(address, {}).setdefault(title, name)
    for address, titles in found.items():
        for one in titles:
            others = [f"{other!r} in {titles[other]}" for other in titles if _same(one, other)]
            assert not others, f"{address}: {one!r} in {titles[one]}, and {others}"


def test_a_title_has_one_address():
    found: dict[str, set[str]] = {}
    for _, address, title in _titles():
        if len(title) > 20:  # no name of a method, or of a conference and a year
            found.setdefault(title.casefold(), set()).add(address)
    assert {title: addresses for title, addresses in found.items() if len(addresses) > 1} == {}
