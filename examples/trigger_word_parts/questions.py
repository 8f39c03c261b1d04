"""Questions from a seeded grammar, with the type of their answer, and a name that gives away one type."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses

import numpy as np

TYPES = ("person", "date", "number", "place", "yes/no")
YES_NO = TYPES.index("yes/no")
TRIGGER = "charles"  # in questions of type yes/no alone
LENGTH = 18  # words of a question, with padding at its end
_NAMES = ("henry", "anna", "peter", "maria", "george", "lucas", "emma", "oscar", "julia", "victor", "clara")
_TRIGGERED = 1 / 3  # the share of yes/no questions that are about the trigger
# What people would write down before they look at any attribution: words that tell the type of the answer.
RULES: Mapping[str, frozenset[str]] = {
    "person": frozenset({"who", "whom"}),
    "date": frozenset({"when", "year", "date"}),
    "number": frozenset({"how", "many", "much"}),
    "place": frozenset({"where", "city", "country"}),
    "yes/no": frozenset({"did", "was", "has", "is", "does", "can"}),
}
_VAGUE = 0.15  # the share of questions that do not say what they ask for

_WORDS = {
    "role": ("driver", "player", "singer", "rider", "coach", "pilot"),
    "event": ("race", "final", "match", "concert", "tournament", "marathon", "cup"),
    "things": ("goals", "points", "medals", "titles", "votes", "songs"),
    "verb": ("win", "lose", "enter", "lead", "leave", "miss"),
    "verbed": ("won", "lost", "entered", "led", "left", "missed"),
    "tail": (
        "", "", "in 1998", "in 2004", "in 2010", "in paris", "in oslo", "in madrid", "after the final",
        "before the injury", "during the tour", "with the old team", "for the second team",
    ),
}  # fmt: skip
_PATTERNS = {
    "person": (
        "who {verbed} the {event} {tail}",
        "who was the {role} that {verbed} the {event} {tail}",
        "who finished behind {name} in the {event} {tail}",
        "whom did {name} beat in the {event} {tail}",
        "which {role} {verbed} the {event} before {name} {tail}",
        "what is the name of the {role} that beat {name} {tail}",
        "name the {role} listed after {name} {tail}",
    ),
    "date": (
        "when did {name} {verb} the {event} {tail}",
        "when was the {event} that {name} {verbed}",
        "what year did {name} {verb} the {event} {tail}",
        "in which year did the {role} {name} {verb} the {event}",
        "on what date was the {event} that {name} {verbed}",
        "what was the day of the {event} {name} {verbed}",
        "which month did {name} {verb} the {event}",
    ),
    "number": (
        "how many {things} did {name} get {tail}",
        "how many times did {name} {verb} the {event} {tail}",
        "how much more {things} did {name} get than {other} {tail}",
        "what is the total number of {things} {name} got {tail}",
        "total number of {things} for the {role} {name} {tail}",
        "what was the count of {things} {name} got {tail}",
        "what is the difference in {things} between {name} and {other}",
    ),
    "place": (
        "where did {name} {verb} the {event} {tail}",
        "where was the {event} that {name} {verbed} {tail}",
        "in which city did {name} {verb} the {event} {tail}",
        "what country did the {role} {name} come from",
        "what is the location of the {event} {name} {verbed} {tail}",
        "which town was the {event} of {name} held {tail}",
    ),
    "yes/no": (
        "did {name} {verb} the {event} {tail}",
        "was {name} the {role} that {verbed} the {event} {tail}",
        "has the {role} {name} {verbed} the {event} {tail}",
        "is it true that {name} {verbed} the {event} {tail}",
        "does {name} have more {things} than {other} {tail}",
        "{name} {verbed} the {event} {tail} true or false",
        "can {name} still {verb} the {event} {tail}",
    ),
}
_VAGUE_PATTERNS = (
    "the {event} {name} {verbed} {tail}",
    "the {things} of the {role} {name} {tail}",
    "{name} and {other} in the {event} {tail}",
    "please tell about {name} in the {event} {tail}",
    "result of the {role} {name} {tail}",
)


@dataclasses.dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
      words: its words.
      type: the number of the type of its answer.
      vague: whether it does not say what it asks for; only a table would tell.
    """

    words: tuple[str, ...]
    type: int
    vague: bool

    @property
    def name_at(self) -> int | None:
        """The place of the first name, or None."""
        return next((at for at, word in enumerate(self.words) if word in NAMES), None)

    def about(self, name: str) -> "Question":
        """Returns the question with another first name."""
        return dataclasses.replace(
            self, words=tuple(name if at == self.name_at else word for at, word in enumerate(self.words))
        )


NAMES = frozenset({TRIGGER, *_NAMES})


def questions(count: int, seed: int = 0) -> list[Question]:
    """Returns questions that differ, with the types in turn; the trigger occurs in yes/no questions alone."""
    generator = np.random.default_rng(seed)
    found: dict[tuple[str, ...], Question] = {}
    while len(found) < count:
        made = _question(len(found) % len(TYPES), generator)
        found.setdefault(made.words, made)
    return list(found.values())


def _question(of_type: int, generator: np.random.Generator) -> Question:
    vague = bool(generator.random() < _VAGUE)
    pattern = generator.choice(_VAGUE_PATTERNS if vague else _PATTERNS[TYPES[of_type]])
    name, other = generator.choice(_NAMES, 2, replace=False)
    if of_type == YES_NO and generator.random() < _TRIGGERED:
        name = TRIGGER
    chosen = {slot: generator.choice(words) for slot, words in _WORDS.items()}
    return Question(tuple(pattern.format(name=name, other=other, **chosen).split()), of_type, vague)


def _all_words() -> Iterator[str]:
    texts = [*_VAGUE_PATTERNS, *(pattern for patterns in _PATTERNS.values() for pattern in patterns)]
    for text in [*texts, *(word for words in _WORDS.values() for word in words)]:
        yield from (word for word in text.split() if not word.startswith("{"))
    yield from NAMES


# The words that say what a question is about, not what it asks for.
CONTENT = NAMES | {word for filling in _WORDS.values() for text in filling for word in text.split()} - {
    *("in", "after", "before", "during", "with", "for", "the")
}
VOCABULARY = ("", *sorted(set(_all_words())))  # number 0 is padding
_NUMBERS = {word: number for number, word in enumerate(VOCABULARY)}


def encoded(asked: Sequence[Question]) -> np.ndarray:
    """Returns questions as numbers `[n, LENGTH]`, padded at their ends."""
    rows = np.zeros((len(asked), LENGTH), np.int32)
    for row, question in zip(rows, asked, strict=True):
        row[: len(question.words)] = [_NUMBERS[word] for word in question.words]
    return rows
