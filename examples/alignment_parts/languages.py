"""A toy pair of languages by a seeded grammar, of which it is known which word translates which.

The source is plain English. The target has Latin words that never change: no articles, the adjective after its noun,
*in* after its place, a mark before the object (`ob`, which translates nothing), and the verb at the end.
"""

from collections.abc import Mapping, Sequence
import dataclasses

import numpy as np

START, END = "<s>", "</s>"
LONGEST = 8  # words of a source sentence, without the marks of its ends
LENGTH = LONGEST + 2
_MARK = "ob"
NOUNS = {
    "farmer": "agricola", "horse": "equus", "dog": "canis", "girl": "puella", "boy": "puer", "king": "rex",
    "queen": "regina", "teacher": "magister", "friend": "amicus", "bird": "avis", "sailor": "nauta",
    "doctor": "medicus",
}  # fmt: skip
ADJECTIVES = {
    "good": "bonus", "old": "vetus", "small": "parvus", "big": "magnus", "tired": "fessus", "happy": "laetus",
    "black": "niger", "strong": "fortis",
}  # fmt: skip
VERBS = {
    "sees": "videt", "loves": "amat", "calls": "vocat", "finds": "invenit", "follows": "sequitur", "helps": "iuvat",
    "greets": "salutat", "hears": "audit",
}  # fmt: skip
PLACES = {"garden": "hortus", "city": "urbs", "house": "domus", "forest": "silva"}
TIMES = {"today": "hodie", "now": "nunc", "often": "saepe", "tomorrow": "cras", "always": "semper"}
NAMES = {"anna": "anna", "marcus": "marcus", "julia": "julia"}
FUNCTION = {"and": "et", "with": "cum", "in": "in"}
_CONTENT: Mapping[str, str] = {**NOUNS, **ADJECTIVES, **VERBS, **PLACES, **TIMES, **NAMES}
CONTENT = frozenset(_CONTENT.values())  # of the target
_ALL = {**_CONTENT, **FUNCTION}
SOURCE = ("", START, END, "the", *_ALL)  # number 0 is padding
TARGET = ("", START, END, _MARK, *_ALL.values())

_Part = list[int]  # places of source words, in the order of the target


@dataclasses.dataclass(frozen=True)
class Pair:
    """A sentence and its translation.

    Attributes:
      source: the words, with the marks of its ends.
      target: the words, with the mark of its end.
      aligned: for each target word the place in `source` of the word that it translates, or None.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    aligned: tuple[int | None, ...]


def pairs(count: int, seed: int = 0) -> list[Pair]:
    """Returns pairs whose sources differ, of 4 to `LONGEST` words."""
    generator = np.random.default_rng(seed)
    found: dict[tuple[str, ...], Pair] = {}
    while len(found) < count:
        made = _Sentence(generator).pair()
        if 4 <= len(made.source) - 2 <= LONGEST:
            found.setdefault(made.source, made)
    return list(found.values())


class _Sentence:
    """A sentence that is being made: words are added to the source, and methods return the order of the target."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._random = generator
        self._source = [START]

    def pair(self) -> Pair:
        time = self._one_of(TIMES) if self._perhaps(0.4) else []
        subject = self._nouns()
        verb = self._one_of(VERBS)
        actor, place = self._nouns(), []
        if self._perhaps(0.3):
            inside, _, room = self._add("in"), self._add("the"), self._one_of(PLACES)
            place = [*room, *inside]
        order: list[int | None] = [*subject, None, *actor, *place, *time, *verb]
        words = [_MARK if at is None else _ALL[self._source[at]] for at in order]
        return Pair((*self._source, END), (*words, END), (*order, None))

    def _nouns(self) -> _Part:
        """Adds one noun phrase, or two with *and* or *with* between them."""
        first = self._noun()
        return [*first, *self._one_of(("and", "with")), *self._noun()] if self._perhaps(0.3) else first

    def _noun(self) -> _Part:
        if self._perhaps(0.25):
            return self._one_of(NAMES)
        self._add("the")
        adjective = self._one_of(ADJECTIVES) if self._perhaps(0.5) else []
        return [*self._one_of(NOUNS), *adjective]

    def _one_of(self, words: Mapping[str, str] | Sequence[str]) -> _Part:
        return self._add(self._random.choice(list(words)))

    def _add(self, word: str) -> _Part:
        self._source.append(str(word))
        return [len(self._source) - 1]

    def _perhaps(self, probability: float) -> bool:
        return bool(self._random.random() < probability)


def encoded(sentences: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> np.ndarray:
    """Returns sentences as numbers `[n, LENGTH]`, padded at their ends."""
    numbers = {word: number for number, word in enumerate(vocabulary)}
    rows = np.zeros((len(sentences), LENGTH), np.int32)
    for row, words in zip(rows, sentences, strict=True):
        row[: len(words)] = [numbers[word] for word in words]
    return rows


def shifted(target: np.ndarray) -> np.ndarray:
    """Returns what a translator has said before each word, `[n, LENGTH]`: the start, then the words before it."""
    start = np.full((len(target), 1), TARGET.index(START), np.int32)
    return np.concatenate([start, target[:, :-1]], axis=1)
