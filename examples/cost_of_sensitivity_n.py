"""How much does Sensitivity-n cost relative to the bare forward passes that it needs?

    python examples/cost_of_sensitivity_n.py
    python examples/cost_of_sensitivity_n.py --examples=20 --sizes=4

This script scores several sets of attributions at once, for random pictures of 28 × 28 pixels and a CNN with random
weights, and runs as many forward passes of the same CNN in a bare compiled loop, with the fastest of several chunk
sizes. Both are timed in turn.
"""

from collections.abc import Callable
import statistics

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
import deepexplain_tf.writing.table as table
from interleaved import Pairs, seconds
from reproductions.nets import FULL, cnn

_EXAMPLES = flags.DEFINE_integer("examples", 100, "The number of pictures.", lower_bound=1)
_SIZES = flags.DEFINE_integer("sizes", 16, "The number of values of n, from 1 to 80 % of the pixels.", lower_bound=2)
_SUBSETS = flags.DEFINE_integer("subsets", 100, "The number of subsets for each n.", lower_bound=2)
_METHODS = flags.DEFINE_integer("methods", 5, "The number of sets of attributions.", lower_bound=1)
_CHUNKS = flags.DEFINE_list("chunks", ["32", "64", "100", "128", "256"], "Chunk sizes of the bare loop to choose from.")
_PAIRS = flags.DEFINE_integer("pairs", 2, "The number of timed pairs of calls.", lower_bound=1)


def bare(model: keras.Model, x: np.ndarray, total: int, chunk: int) -> Callable[[], object]:
    """Returns a function that makes `total` forward passes, `chunk` at once, and reads one number of each."""
    rows = tf.constant(np.resize(x, (chunk, *x.shape[1:])))

    @tf.function(autograph=False)
    def loop(steps: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        one = lambda _: model(rows, training=False)[:, 0]  # noqa: E731
        return tf.map_fn(one, tf.range(steps), parallel_iterations=1, fn_output_signature=tf.float32)

    steps = tf.constant(-(-total // chunk))
    compiled = loop.get_concrete_function(steps, rows)
    return lambda: compiled(steps, rows).numpy()


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    model, generator = cnn(FULL).model, np.random.default_rng(0)
    x = generator.uniform(size=(_EXAMPLES.value, 28, 28, 1)).astype(np.float32)
    labels = np.arange(len(x)) % 10
    attributions = {f"method {k}": generator.normal(size=x.shape).astype(np.float32) for k in range(_METHODS.value)}
    n = np.unique(np.geomspace(1, 0.8 * 784, _SIZES.value).round().astype(int)) if _SIZES.value != 16 else None
    forwards = len(x) * (_SIZES.value * _SUBSETS.value + 1)

    def logit(inputs: tf.Tensor) -> tf.Tensor:
        return tf.gather(model(inputs, training=False), labels, axis=1, batch_dims=1)

    def ours() -> object:
        return dx.metrics.sensitivity_n(logit, x, attributions, n=n, subsets=_SUBSETS.value, seed=0)

    loops = {int(chunk): bare(model, x, forwards // 20, int(chunk)) for chunk in _CHUNKS.value}
    for loop in loops.values():
        loop()
    trials = {chunk: statistics.median(seconds(loop) for _ in range(3)) for chunk, loop in loops.items()}
    best = min(trials, key=trials.__getitem__)
    theirs = bare(model, x, forwards, best)
    pairs = Pairs(ours, theirs, _PAIRS.value)
    ours_seconds, theirs_seconds = pairs.medians
    rows = [
        [f"sensitivity_n of {len(attributions)} attributions", f"{ours_seconds:.1f}", f"{pairs.ratio:.2f}"],
        [f"{forwards} forward passes, {best} at once", f"{theirs_seconds:.1f}", "1.00"],
    ]
    print(table.render(["what", "seconds", "ratio"], rows))


if __name__ == "__main__":
    app.run(main)
