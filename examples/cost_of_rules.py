"""What do relevance rules and class activation maps cost beside one plain gradient?

    python examples/cost_of_rules.py --network=ResNet50 --size=160 --examples=8

This script prints a row for each composite of `lrp`, and for other methods of one or two passes: the milliseconds of
a plain gradient and of the explanation of the same batch (medians of calls in turn), and their ratio.
"""

import functools
from typing import Any

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.rules.relevance.composites import NAMED
import deepexplain_tf.writing.table as table
from interleaved import Pairs

_NETWORK = flags.DEFINE_string("network", "ResNet50", "A network of keras.applications, with random weights.")
_COMPOSITES = flags.DEFINE_list("composites", list(NAMED), "Composites of lrp.")
_METHODS = flags.DEFINE_list("methods", ["deeplift", "grad_cam", "layer_cam", "guided_grad_cam"], "Other methods.")
_EXAMPLES = flags.DEFINE_integer("examples", 8, "The number of pictures.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 160, "The pictures' height and width.", lower_bound=32)
_CALLS = flags.DEFINE_integer("calls", 7, "The number of timed calls of each side.", lower_bound=1)


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    shape = (_SIZE.value, _SIZE.value, 3)
    model = getattr(keras.applications, _NETWORK.value)(weights=None, input_shape=shape, classes=10)
    x = np.random.default_rng(0).normal(size=(_EXAMPLES.value, *shape)).astype("float32")

    @tf.function(autograph=False)
    def gradient(inputs: tf.Tensor) -> tf.Tensor:
        return tf.gradients(model(inputs, training=False)[:, 1], inputs)[0]

    def plain() -> np.ndarray:
        return gradient(tf.constant(x)).numpy()

    named: list[tuple[str, str, dict[str, Any]]] = [
        *((f"lrp, {name}", "lrp", {"composite": name}) for name in _COMPOSITES.value),
        *((method, method, {}) for method in _METHODS.value),
    ]
    rows = []
    for name, method, options in named:
        with dx.DeepExplain(model, jit_compile=False) as de:
            explainer = de.explainer(method, target=1, batch_size=len(x), **options)
        plain(), explainer(x)
        pairs = Pairs(functools.partial(explainer, x), plain, _CALLS.value)
        ours, theirs = pairs.milliseconds
        rows.append([name, f"{theirs:.0f}", f"{ours:.0f}", f"{pairs.ratio:.2f}"])
    print(table.render(["method", "gradient ms", "explanation ms", "ratio"], rows))


if __name__ == "__main__":
    app.run(main)
