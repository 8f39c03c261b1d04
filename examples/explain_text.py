"""Which words made a small text model call a sentence praise or blame?

    python examples/explain_text.py --sentence="the film was not good" --interactions=interactions.png

The model takes integers, which have no gradient. So the script explains the output of its embedding layer, and adds up
the contributions of each word's dimensions. The model is trained in a few seconds on generated sentences, in which
"not" reverses a verdict. With --interactions, a picture shows which pairs of words do more together than by themselves;
it needs matplotlib: pip install 'deepexplain_tf[plots]'
"""

from collections.abc import Sequence

from absl import app, flags
import keras
import numpy as np

import deepexplain_tf as dx

_SENTENCE = flags.DEFINE_string("sentence", "the film was not good but the music was great", "The sentence to explain.")
_METHOD = flags.DEFINE_string("method", "integrated_gradients", "The attribution method.")

_INTERACTIONS = flags.DEFINE_string("interactions", None, "The PNG file for the interactions of pairs of words.")

_THINGS = ("the film", "the plot", "the music", "the cast", "this story", "the ending")
_PRAISE = ("good", "great", "fine", "lovely", "clever")
_BLAME = ("bad", "awful", "dull", "poor", "silly")
_VERBS = ("was", "is", "felt", "seemed", "looks")
_FILLERS = ("", "", "very", "really", "quite", "rather")
_LENGTH = 12
_WORDS = sorted({word for text in (*_THINGS, *_VERBS, *_FILLERS, *_PRAISE, *_BLAME) for word in text.split()})
# 0 is padding.
_IDS = {word: index + 1 for index, word in enumerate([*_WORDS, "not", "but"])}


def _clause(random: np.random.Generator) -> tuple[str, int]:
    """Returns a clause and its verdict: +1 for praise, -1 for blame."""
    negated, praised = random.random(2) < 0.5
    verdict = random.choice(_PRAISE if praised else _BLAME)
    subject = f"{random.choice(_THINGS)} {random.choice(_VERBS)}"
    return f"{subject} {'not' if negated else ''} {random.choice(_FILLERS)} {verdict}", 1 if praised != negated else -1


def _sentences(count: int, random: np.random.Generator) -> tuple[list[str], np.ndarray]:
    pairs = [(_clause(random), _clause(random)) for _ in range(2 * count)]
    # One clause, or two; sentences whose clauses contradict each other are dropped.
    texts = [one if index % 2 else f"{one} but {two}" for index, ((one, _), (two, _)) in enumerate(pairs)]
    totals = np.array([a if index % 2 else a + b for index, ((_, a), (_, b)) in enumerate(pairs)])
    clear = np.flatnonzero(totals)[:count]
    return [texts[index] for index in clear], (totals[clear] > 0).astype(np.float32)


def _encode(texts: Sequence[str]) -> np.ndarray:
    ids = np.zeros((len(texts), _LENGTH), np.int32)
    for row, text in zip(ids, texts, strict=True):
        known = [_IDS[word] for word in text.lower().split() if word in _IDS][:_LENGTH]
        row[: len(known)] = known
    return ids


def _train(random: np.random.Generator) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((_LENGTH,), dtype="int32"),
            keras.layers.Embedding(len(_IDS) + 1, 16, name="words"),
            keras.layers.Conv1D(32, 4, padding="same", activation="gelu"),  # of ReLU, second derivatives are 0
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    texts, labels = _sentences(4000, random)
    ids = _encode(texts)
    # Some words without a verdict become padding, so that the model learns padding as the absence of a word.
    neutral = [_IDS[word] for text in (*_THINGS, *_VERBS) for word in text.split()]
    ids[np.isin(ids, neutral) & (random.random(ids.shape) < 0.3)] = 0
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(ids, labels, batch_size=64, epochs=6, verbose=0)
    return model


def main(argv: Sequence[str]) -> None:
    """Trains the model, explains the sentence and prints a bar for each word."""
    del argv
    random = np.random.default_rng(0)
    model = _train(random)
    texts, labels = _sentences(1000, random)
    right = (model.predict(_encode(texts), verbose=0)[:, 0] > 0.5) == labels
    print(f"right on {right.mean():.1%} of new sentences")

    x = _encode([_SENTENCE.value])
    # The baseline is a sentence of padding, at the output of the layer.
    baseline = model.get_layer("words")(np.zeros(_LENGTH, np.int32)).numpy()
    with dx.DeepExplain(model, layer="words") as de:
        e = de.explain(_METHOD.value, x, baseline=baseline)

    print("praise (+) or blame (-), in units of the logit:")
    print(f"{'sentence':>10} {e.outputs[0]:+6.2f}, and {e.baseline_outputs[0]:+.2f} for no words at all")
    words = {index: word for word, index in _IDS.items()}
    contributions = np.asarray(e)[0].sum(axis=-1)
    for index, contribution in zip(x[0], contributions, strict=True):
        if index:
            bar = ("+" if contribution > 0 else "-") * round(20 * abs(contribution) / np.abs(contributions).max())
            print(f"{words[index]:>10} {contribution:+6.2f} {bar}")
    if _INTERACTIONS.value:
        _draw(_INTERACTIONS.value, model, x, baseline, [words[index] for index in x[0] if index])


def _draw(path: str, model: keras.Model, x: np.ndarray, baseline: np.ndarray, words: Sequence[str]) -> None:
    """Draws the interactions of the words, each of which has the dimensions of its embedding."""
    groups = np.broadcast_to(np.arange(_LENGTH)[:, np.newaxis], baseline.shape)
    with dx.DeepExplain(model, layer="words") as de:
        e = de.explain("integrated_hessians", x, baseline=baseline, groups=groups)
    of_words = e.attributions[0, : len(words), : len(words)]
    dx.visualize.save_png(dx.visualize.interactions(of_words, words), path)
    print(f"wrote {path}, with a gap of {abs(e.completeness_gap[0]):.1e}")


if __name__ == "__main__":
    app.run(main)
