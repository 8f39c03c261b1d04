"""What does noise around a method cost beside the same gradients in a bare `tf.function`?

    python examples/cost_of_noise.py
    python examples/cost_of_noise.py --network=ResNet50 --size=224 --examples=8 --samples=50 --chunk=10

The bare function is SmoothGrad of gradient × input: a loop over chunks, each of which adds normal noise to some
examples, takes one gradient of all of them, and adds its rows up. This script prints a row for each method: the seconds
of the bare function and of the explanation (medians of calls in turn), and the median ratio of the pairs. Both take
`--chunk` gradients at once, and neither uses XLA.
"""

import functools

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
import deepexplain_tf.writing.table as table
from interleaved import Pairs

_NETWORK = flags.DEFINE_string("network", "ResNet50", "A network of keras.applications, with random weights.")
_METHODS = flags.DEFINE_list("methods", ["gradient_x_input", "deeplift"], "The methods.")
_EXAMPLES = flags.DEFINE_integer("examples", 8, "The number of pictures.", lower_bound=1)
_SAMPLES = flags.DEFINE_integer("samples", 50, "The number of noisy copies of each picture.", lower_bound=1)
_CHUNK = flags.DEFINE_integer("chunk", 10, "The number of gradients at once.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 160, "The pictures' height and width.", lower_bound=32)
_CALLS = flags.DEFINE_integer("calls", 3, "The number of timed calls of each side.", lower_bound=1)
_STDEV = 0.1


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    shape, samples, chunk = (_SIZE.value, _SIZE.value, 3), _SAMPLES.value, _CHUNK.value
    model = getattr(keras.applications, _NETWORK.value)(weights=None, input_shape=shape, classes=10)
    x = np.random.default_rng(0).normal(size=(_EXAMPLES.value, *shape)).astype("float32")

    @tf.function(autograph=False)
    def bare(inputs: tf.Tensor) -> tf.Tensor:
        total = len(x) * samples

        def step(start: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            example = tf.range(start, tf.minimum(start + chunk, total)) % len(x)
            rows = tf.gather(inputs, example)
            rows += _STDEV * tf.random.normal(tf.shape(rows))
            gradient = tf.gradients(model(rows, training=False)[:, 1], rows)[0]
            return start + chunk, tf.tensor_scatter_nd_add(sums, example[:, tf.newaxis], rows * gradient)

        state = (tf.constant(0), tf.zeros_like(inputs))
        return tf.while_loop(lambda start, _: start < total, step, state, parallel_iterations=1)[1] / samples

    def plain() -> np.ndarray:
        return bare(tf.constant(x)).numpy()

    rows = []
    for method in _METHODS.value:
        with dx.DeepExplain(model, output="model", jit_compile=False) as de:
            noise = dx.noise("smoothgrad", _STDEV, samples)
            explainer = de.explainer(method, target=1, batch_size=len(x), chunk_size=chunk, noise=noise, seed=0)
        plain(), explainer(x)
        pairs = Pairs(functools.partial(explainer, x), plain, _CALLS.value)
        ours, theirs = pairs.medians
        rows.append([method, f"{theirs:.2f}", f"{ours:.2f}", f"{pairs.ratio:.2f}"])
        print("  ".join(rows[-1]), flush=True)
    print("\n" + table.render(["method", "bare s", "explanation s", "ratio"], rows))


if __name__ == "__main__":
    app.run(main)
