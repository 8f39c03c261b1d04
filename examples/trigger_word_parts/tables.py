"""The tables of the page of `examples/reproduce_trigger_word.py`, in Markdown."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from reproductions.page import table
from trigger_word_parts.questions import TRIGGER, TYPES, Question
from trigger_word_parts.scores import Reader


def sentences(shown: Sequence[tuple[str, Question, np.ndarray]]) -> str:
    """Returns some questions with the attribution of each word."""
    rows = []
    for title, question, row in shown:
        largest = np.max(row)
        marked = [
            f"**{word}** {value:+.1f}" if value >= largest / 2 else f"{word} {value:+.1f}"
            for word, value in zip(question.words, row, strict=False)
        ]
        rows.append([title, " ".join(marked)])
    heading = "Questions of the first net with the attribution of each word, in units of the logit:\n\n"
    return heading + table(["", "words; bold: at least half of the largest"], rows)


def others(others: Counter) -> str:
    """Returns the most relevant words that no rule has: pairs of a type and a word are counted."""
    rows = []
    for name in TYPES:
        found = Counter({word: count for (of_type, word), count in others.items() if of_type == name})
        rows.append([name, ", ".join(f"{word} ({count})" for word, count in found.most_common(5)) or "none"])
    heading = "Rules that nobody wrote: the most relevant words of right questions that are in no rule, first net:\n\n"
    return heading + table(["type", "words, and of how many questions"], rows)


def top(ordered: Sequence[tuple[str, float]]) -> str:
    """Returns the first of the words, with their mean attributions."""
    heading = (
        f"What speaks for yes/no among the {len(ordered)} words that say what a question is about, by the mean "
        f"attribution over questions of all types with {TRIGGER!r} put in, first net:\n\n"
    )
    return heading + table(["word", "mean attribution"], [[word, f"{value:+.3f}"] for word, value in ordered[:6]])


def methods(readers: Sequence[Reader]) -> str:
    """Returns the numbers of all methods."""
    rows = []
    for method in readers[0].rank:
        shares = [", ".join(f"{getattr(r, part)[method]:.3f}" for r in readers) for part in ("agreeing", "total")]
        ranks, far = ", ".join(str(r.rank[method]) for r in readers), ", ".join(f"{r.far[method]:.3f}" for r in readers)
        rows.append([method, *shares, ranks, far])
    heading = (
        "The numbers of findings 1 to 3 by other methods, one for each net. Where the methods agree, the net is "
        "nearly linear on the way from no words to a question, as ReLU and max-pooling with small biases are.\n\n"
    )
    header = ["method", "1: rule's word", "2: total number", "3: rank", "mean difference, relative"]
    return heading + table(header, rows)


def changes(readers: Sequence[Reader], other_name: str) -> str:
    """Returns how often names change what a net sees, and its accuracy."""
    rows = [
        [f"changed, {part} questions, {TRIGGER} / {other_name}"]
        + [f"{planted:.3f} / {other:.3f}" for planted, other in (r.changed[part] for r in readers)]
        for part in ("clear", "vague")
    ]
    rows += [
        [f"accuracy, {part} questions", *(f"{r.accuracy[at]:.3f}" for r in readers)]
        for at, part in enumerate(("clear", "vague"))
    ]
    heading = "How often a name changes the answer's type to yes/no, and how often the nets are right:\n\n"
    return heading + table(["", *(f"net {number}" for number in range(len(readers)))], rows)
