"""What do Integrated Gradients of one word's score cost beside the same gradients in a bare loop?

    python examples/one_word.py
    python examples/one_word.py --heads=tied --vocabulary=50000 --length=128

The model is an encoder over words that gives a score to each word of the vocabulary at each position, by a dense layer
or by the words' own embeddings (*tied*). The bare loop takes one gradient of one score for all texts at each step, as a
`tf.function` does that knows nothing of the model. This script prints a row for each head, measured in fresh processes:
the seconds of both (medians of calls in turn), the median ratio of the pairs, the growth of the resident memory by a
second call of each in MB (the first one also traces and compares), and how far the results are apart, relative to the
largest.
"""

import functools
from typing import Any

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

from benchmark_works.memory import Growth, in_fresh_process
import deepexplain_tf as dx
from deepexplain_tf.paths.quadrature import QUADRATURES
import deepexplain_tf.writing.table as table
from interleaved import Pairs

_HEADS = flags.DEFINE_list("heads", ["dense", "tied"], "The last layers.")
_VOCABULARY = flags.DEFINE_integer("vocabulary", 30_000, "The number of words.", lower_bound=2)
_LENGTH = flags.DEFINE_integer("length", 64, "The number of positions.", lower_bound=1)
_WIDTH = flags.DEFINE_integer("width", 128, "The features of an embedding.", lower_bound=4)
_BLOCKS = flags.DEFINE_integer("blocks", 2, "The number of blocks.", lower_bound=0)
_TEXTS = flags.DEFINE_integer("texts", 2, "The number of texts.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 32, "The number of steps.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 3, "The number of timed calls of each side.", lower_bound=1)


class Tied(keras.layers.Layer):
    """Scores of words: the product with their embeddings, and a bias."""

    def __init__(self, embedding: keras.layers.Embedding):
        super().__init__()
        self.embedding = embedding

    def build(self, shape: Any) -> None:
        """Makes the bias."""
        del shape
        self.bias = self.add_weight(shape=(self.embedding.input_dim,), initializer="random_normal")

    def call(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns the scores."""
        return tf.matmul(hidden, self.embedding.embeddings, transpose_b=True) + self.bias


def _models(head: str, vocabulary: int, length: int, width: int, blocks: int) -> tuple[keras.Model, keras.Model]:
    """Returns the model, and its part behind the embedding."""
    layers, bias = keras.layers, {"bias_initializer": "random_normal"}
    embedding = layers.Embedding(vocabulary, width, name="embedding")
    tokens, words = keras.Input((length,), dtype="int32"), keras.Input((length, width))
    embedded = embedding(tokens)
    hidden = words
    for _ in range(blocks):
        mixed = layers.MultiHeadAttention(4, width // 4, **bias)(hidden, hidden)
        hidden = layers.LayerNormalization()(hidden + mixed)
        inner = layers.Dense(4 * width, "gelu", **bias)(hidden)
        hidden = layers.LayerNormalization()(hidden + layers.Dense(width, **bias)(inner))
    scores = Tied(embedding)(hidden) if head == "tied" else layers.Dense(vocabulary, **bias)(hidden)
    body = keras.Model(words, scores)
    return keras.Model(tokens, body(embedded)), body


def _bare(body: keras.Model, target: tuple[int, int], steps: int) -> Any:
    """Returns the bare loop: embedded texts → Integrated Gradients from zero."""
    nodes, weights = (np.asarray(array, "float32") for array in QUADRATURES["gauss_legendre"](steps))

    @tf.function(autograph=False)
    def bare(embedded: tf.Tensor) -> tf.Tensor:
        def step(number: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            points = embedded * tf.gather(nodes, number)
            (gradient,) = tf.gradients(body(points, training=False)[:, target[0], target[1]], [points])
            return number + 1, total + tf.gather(weights, number) * gradient

        state = (tf.constant(0), tf.zeros_like(embedded))
        return embedded * tf.while_loop(lambda number, _: number < steps, step, state, parallel_iterations=1)[1]

    return bare


def measure(side: str, head: str, sizes: tuple[int, ...], texts: int, steps: int, calls: int) -> list[float]:
    """Returns the growth of memory by a second call of one side, or the seconds, ratio and distance of both."""
    keras.utils.set_random_seed(0)
    model, body = _models(head, *sizes)
    vocabulary, length = sizes[:2]
    tokens = np.random.default_rng(0).integers(0, vocabulary, (texts, length))
    embedded, target = model.get_layer("embedding")(tokens), (length // 2, vocabulary // 3)
    bare = _bare(body, target, steps)
    with dx.DeepExplain(model, layer="embedding") as de:
        explainer = de.explainer("integrated_gradients", target=target, n_steps=steps)
    ours, theirs = functools.partial(explainer, tokens), lambda: bare(embedded).numpy()
    if side != "both":
        call = ours if side == "ours" else theirs
        call()
        growth = Growth()
        call()
        return [growth.megabytes or float("nan")]
    apart = np.abs(ours().attributions - theirs()).max() / np.abs(theirs()).max()
    pairs = Pairs(ours, theirs, calls)
    return [*reversed(pairs.medians), pairs.ratio, apart]


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    sizes = (_VOCABULARY.value, _LENGTH.value, _WIDTH.value, _BLOCKS.value)
    rows = []
    for head in _HEADS.value:
        arguments = (head, sizes, _TEXTS.value, _STEPS.value, _CALLS.value)
        bare, ours, ratio, apart = in_fresh_process(measure, "both", *arguments)
        memory = [in_fresh_process(measure, side, *arguments)[0] for side in ("bare", "ours")]
        rows.append([head, f"{bare:.2f}", f"{ours:.2f}", f"{ratio:.3f}", *(f"{m:.0f}" for m in memory), f"{apart:.1e}"])
        print("  ".join(rows[-1]), flush=True)
    print("\n" + table.render(["head", "bare s", "explanation s", "ratio", "bare MB", "explanation MB", "apart"], rows))


if __name__ == "__main__":
    app.run(main)
