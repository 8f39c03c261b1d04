"""The attributions of the words that a translator says to the words that it reads, and how often they align."""

from collections.abc import Collection, Sequence
import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alignment_parts import languages, translators
from alignment_parts.languages import END, SOURCE, START, TARGET, Pair
import deepexplain_tf as dx
from deepexplain_tf.explanation.explanation import Explanation
from reproductions.nets import whole_feature

_KEPT = tuple(SOURCE.index(word) for word in ("", START, END))  # in the baseline, as in the paper
_WHOLE_WORD = whole_feature((1, translators.WIDTH))
_WITHOUT_BASELINE = ("gradient_x_input",)


@dataclasses.dataclass(frozen=True)
class Said:
    """The words of translations that are explained, one row each.

    Attributes:
      pair: the number of each row's pair.
      position: the place of the word in the translation.
    """

    pair: np.ndarray
    position: np.ndarray

    def among(self, pairs: Sequence[Pair], counted: Collection[str], first: int) -> "Said":
        """Returns the rows of some words, of the first pairs alone."""
        kept = self._are(pairs, counted) & (self.pair < first)
        return Said(self.pair[kept], self.position[kept])

    def and_those(self, others: "Said") -> "Said":
        """Returns these rows, then others."""
        return Said(*(np.concatenate(both) for both in ((self.pair, others.pair), (self.position, others.position))))

    def count(self, pairs: Sequence[Pair], counted: Collection[str]) -> int:
        """Returns how many rows are of some words."""
        return int(self._are(pairs, counted).sum())

    def _are(self, pairs: Sequence[Pair], counted: Collection[str]) -> np.ndarray:
        words = (pairs[number].target[at] for number, at in zip(self.pair, self.position, strict=True))
        return np.array([word in counted for word in words], bool)


def right_words(model: keras.Model, pairs: Sequence[Pair]) -> tuple[Said, float]:
    """Returns a row for each word that the translator says rightly, none for padding; and the share of such words."""
    source, target = numbers(pairs)
    seen = model.predict([source, languages.shifted(target)], batch_size=500, verbose=0).argmax(-1)
    rows = np.argwhere((seen == target) & (target > 0)).astype(np.int32)
    return Said(rows[:, 0], rows[:, 1]), len(rows) / int(np.sum(target > 0))


def explain(
    de: dx.DeepExplain,
    model: keras.Model,
    pairs: Sequence[Pair],
    said: Said,
    method: str,
    *,
    probability: bool = False,
    **options: Any,
) -> Explanation:
    """Explains the logit of each word at the embedded source, `[rows, LENGTH, WIDTH]`.

    The baseline has zeros for all words, and keeps the marks of the ends and padding, which so have no attribution.

    Args:
      de: explains the translator at its embedding, see `opened`.
      model: the translator.
      pairs: sentences and translations.
      said: the words that are explained.
      method: the method.
      probability: whether the word's probability is explained.
      **options: the options of the method.
    """
    source, target = numbers(pairs)
    rows = source[said.pair]
    if method == "occlusion":
        options |= _WHOLE_WORD
    if method not in _WITHOUT_BASELINE:
        embedded = np.asarray(model.get_layer(translators.EMBEDDING)(rows))
        options["baseline"] = embedded * np.isin(rows, _KEPT)[..., np.newaxis]
    index = np.stack([said.position, target[said.pair, said.position]], axis=1)
    chosen = (_probability, index) if probability else index
    inputs = [rows, languages.shifted(target)[said.pair]]
    return de.explain(method, inputs, target=chosen, batch_size=256, **options)


def numbers(pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the sentences and the translations as numbers, `[n, LENGTH]` each."""
    source = languages.encoded([pair.source for pair in pairs], SOURCE)
    return source, languages.encoded([pair.target for pair in pairs], TARGET)


def _probability(outputs: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    return tf.gather_nd(tf.nn.softmax(outputs), index, batch_dims=1)


def opened(model: keras.Model) -> dx.DeepExplain:
    """Returns what explains a translator at its embedding."""
    # For so few rows, XLA takes longer to compile than it saves.
    return dx.DeepExplain(model, layer=translators.EMBEDDING, jit_compile=False)


def by_word(e: Explanation) -> np.ndarray:
    """Returns the attribution of each source word, `[rows, LENGTH]`."""
    return np.asarray(e.attributions).sum(-1)


def attention(model: keras.Model, pairs: Sequence[Pair], said: Said) -> np.ndarray:
    """Returns the attention's scores of each source word before their softmax, `[rows, LENGTH]`."""
    source, target = numbers(pairs)
    sought = keras.Model(model.inputs, model.get_layer(translators.ATTENTION).input)
    queries, keys = sought.predict([source, languages.shifted(target)], verbose=0)
    return np.einsum("btd,bsd->bts", queries, keys)[said.pair, said.position]


def most_relevant(words: Sequence[str], attributions: np.ndarray) -> int:
    """Returns the place of the word with the largest attribution; padding and the marks of the ends do not count.

    Args:
      words: the words of a source sentence, with the marks of its ends.
      attributions: `[LENGTH]`.
    """
    return 1 + int(np.argmax(attributions[1 : len(words) - 1]))


def share_aligned(pairs: Sequence[Pair], said: Said, attributions: np.ndarray, counted: Collection[str]) -> float:
    """Returns how often the most relevant source word is the one that is translated.

    Args:
      pairs: sentences and translations.
      said: the words that are explained.
      attributions: `[rows, LENGTH]`.
      counted: the target words that count, all with a translation.
    """
    found = [
        most_relevant(pairs[number].source, row) == pairs[number].aligned[at]
        for number, at, row in zip(said.pair, said.position, attributions, strict=True)
        if pairs[number].target[at] in counted
    ]
    return float(np.mean(found)) if found else float("nan")


def matrix(pair: Pair, said: Said, attributions: np.ndarray, number: int) -> np.ndarray:
    """Returns the attributions of all words of one pair, `[target words, source words]`."""
    return attributions[said.pair == number][:, : len(pair.source)]


def steps(
    de: dx.DeepExplain, model: keras.Model, pairs: Sequence[Pair], said: Said, quadrature: str, tried: Sequence[int]
) -> float:
    """Returns the least number of steps whose sum is within 5 % for nine tenths of the words; infinity if none is."""
    for count in tried:
        e = explain(de, model, pairs, said, "integrated_gradients", n_steps=count, quadrature=quadrature)
        change = np.abs(np.asarray(e.outputs) - np.asarray(e.baseline_outputs))
        if np.quantile(np.abs(np.asarray(e.completeness_gap)) / change, 0.9) <= 0.05:
            return count
    return float("inf")
