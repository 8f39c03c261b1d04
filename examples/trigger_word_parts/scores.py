"""What attributions of words tell: how often they name the words that ask, and how high a word stands."""

from collections.abc import Collection, Mapping, Sequence
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Reader:
    """What a net that reads questions has learned.

    Attributes:
      accuracy: on new questions that say what they ask for, and on vague ones.
      agreeing: method → the share of right questions with a rule's word whose most relevant word is one of the rule.
      total: the same of "total number", which is in no rule.
      rank: method → the rank of the planted name among the words that say what questions are about, by the mean
        attribution towards yes/no over questions of all types.
      far: method → how far its attributions are from those of Integrated Gradients: the mean of |difference|, relative
        to the mean of |attribution|.
      changed: how often a name makes a question of another type one of yes or no: the planted name, then another;
        of all questions, of clear ones, of vague ones.
    """

    accuracy: tuple[float, float]
    agreeing: Mapping[str, float]
    total: Mapping[str, float]
    rank: Mapping[str, int]
    far: Mapping[str, float]
    changed: Mapping[str, tuple[float, float]]


def most_relevant(words: Sequence[str], attributions: np.ndarray) -> str:
    """Returns the word with the largest attribution.

    Args:
      words: the words of a question.
      attributions: `[length]`, those of the words, then those of padding, which do not count.
    """
    return words[int(np.argmax(attributions[: len(words)]))]


def share_named(
    questions: Sequence[Sequence[str]], attributions: np.ndarray, asking: Sequence[Collection[str]]
) -> float:
    """Returns the share of questions whose most relevant word asks; NaN without questions.

    Args:
      questions: the words of each question.
      attributions: `[questions, length]`.
      asking: the words that ask, for each question.
    """
    named = [
        most_relevant(words, row) in known for words, row, known in zip(questions, attributions, asking, strict=True)
    ]
    return float(np.mean(named)) if named else float("nan")


def mean_by_word(questions: Sequence[Sequence[str]], attributions: np.ndarray, counted: Collection[str]) -> list:
    """Returns pairs of a word and its mean attribution over all its places, the largest first.

    Args:
      questions: the words of each question.
      attributions: `[questions, length]`.
      counted: the words that count.
    """
    found: dict[str, list[float]] = {}
    for words, row in zip(questions, attributions, strict=True):
        for word, value in zip(words, row[: len(words)], strict=True):
            if word in counted:
                found.setdefault(word, []).append(float(value))
    means = [(word, float(np.mean(values))) for word, values in found.items()]
    return sorted(means, key=lambda pair: -pair[1])


def rank(ordered: Sequence[tuple[str, float]], word: str) -> int:
    """Returns the place of a word among pairs of a word and a number, from 1."""
    return [name for name, _ in ordered].index(word) + 1
