"""How much does an explanation cost relative to one plain gradient, and how long does it take to prepare?

    python examples/cost.py
    python examples/cost.py --ready=ResNet50,NASNetMobile --ratio= --check=
    python examples/cost.py --check=ResNet50 --size=224 --ratio= --ready=
    python examples/cost.py --flagfile=configs/cost_of_background.cfg

This script prints four tables: for the networks of `--ratio`, the time of DeepLIFT relative to one plain gradient of
the same batch (medians of calls in turn); for the networks of keras.applications in `--ready`, the seconds until
DeepLIFT is traced and rewritten, and of its first two calls; for those in `--check`, the share of a first call in
which the traced program is compared with the model's own call; for those in `--background`, the time of DeepLIFT over
a set of baselines relative to a loop of calls with one baseline each, the largest gap relative to the change of the
output, and the largest difference to the loop relative to the largest attribution.
"""

import functools
import time
from typing import Any
from unittest import mock

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.engine.agreement import Agreement
import deepexplain_tf.writing.table as table
from interleaved import Pairs, seconds

_RATIO = flags.DEFINE_list("ratio", ["lstm", "cnn"], "The networks for the first table.")
_READY = flags.DEFINE_list(
    "ready", ["ResNet50", "NASNetMobile"], "The networks of keras.applications for the second table."
)
_CHECK = flags.DEFINE_list("check", ["ResNet50"], "The networks of keras.applications for the third table.")
_BACKGROUND = flags.DEFINE_list("background", ["small"], "The networks for the fourth table.")
_BASELINES = flags.DEFINE_integer("baselines", 100, "The number of baselines for --background.", lower_bound=1)
_METHODS = flags.DEFINE_list(
    "methods", ["saliency", "deeplift", "integrated_gradients", "occlusion"], "The methods of the third table."
)
_CALLS = flags.DEFINE_integer("calls", 15, "The number of timed calls of each side.", lower_bound=1)
_EXAMPLES = flags.DEFINE_integer("examples", 1, "The number of pictures for --ready and --check.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 96, "The pictures' height and width for --ready and --check.", lower_bound=32)


def lstm() -> tuple[keras.Model, tuple[int, ...], bool]:
    """Returns an LSTM of 64 units, the shape of a batch of 200 steps, and True: with XLA."""
    layers = [keras.Input((200, 32)), keras.layers.LSTM(64), keras.layers.Dense(5)]
    return keras.Sequential(layers), (32, 200, 32), True


def cnn() -> tuple[keras.Model, tuple[int, ...], bool]:
    """Returns a CNN with batch normalisation, the shape of a batch, and False: without XLA."""
    layers: list[keras.layers.Layer] = [keras.Input((64, 64, 3))]
    for filters in (32, 64, 128):
        layers += [keras.layers.Conv2D(filters, 3, padding="same"), keras.layers.BatchNormalization()]
        layers += [keras.layers.ReLU(), keras.layers.MaxPooling2D()]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    return keras.Sequential(layers), (16, 64, 64, 3), False


def small() -> tuple[keras.Model, tuple[int, ...], bool]:
    """Returns a small CNN with biases, the shape of a batch of 64 pictures, and False: without XLA."""
    layers: list[keras.layers.Layer] = [keras.Input((32, 32, 3))]
    for filters in (16, 32):
        layers += [keras.layers.Conv2D(filters, 3, activation="relu", bias_initializer="random_normal")]
        layers += [keras.layers.MaxPooling2D()]
    layers += [keras.layers.Flatten(), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
    return keras.Sequential(layers), (64, 32, 32, 3), False


_NETWORKS = {"lstm": lstm, "cnn": cnn, "small": small}


def ratio(name: str) -> list[str]:
    """Returns a row: milliseconds of one gradient and of DeepLIFT, and their ratio."""
    model, shape, jit = _NETWORKS[name]()
    x = np.random.default_rng(0).normal(size=shape).astype("float32")

    @tf.function(jit_compile=jit, autograph=False)
    def gradient(inputs: tf.Tensor) -> tf.Tensor:
        return tf.gradients(model(inputs, training=False)[:, 1], inputs)[0]

    with dx.DeepExplain(model, jit_compile=jit) as de:
        explainer = de.explainer("deeplift", target=1, batch_size=len(x))

        def plain(inputs: np.ndarray) -> np.ndarray:
            return gradient(tf.convert_to_tensor(inputs)).numpy()

        plain(x), explainer(x)
        pairs = Pairs(lambda: explainer(x), lambda: plain(x), _CALLS.value)
    ours, theirs = pairs.medians
    return [name, "yes" if jit else "no", f"{theirs * 1e3:.1f}", f"{ours * 1e3:.1f}", f"{pairs.ratio:.2f}"]


def _of_applications(name: str) -> tuple[keras.Model, np.ndarray]:
    """Returns a network of keras.applications, and examples."""
    shape = (_SIZE.value, _SIZE.value, 3)
    model = getattr(keras.applications, name)(weights=None, input_shape=shape, classes=10)
    return model, np.random.default_rng(0).normal(size=(_EXAMPLES.value, *shape)).astype("float32")


def ready(name: str) -> list[str]:
    """Returns a row: the model's active ops, and the seconds of tracing, rewriting and the first two calls."""
    model, x = _of_applications(name)
    start = time.perf_counter()
    with dx.DeepExplain(model) as de:
        traced = time.perf_counter()
        explainer = de.explainer("deeplift", target=1)
        symbolic = tf.function(lambda inputs: explainer(inputs).attributions, autograph=False)
        symbolic.get_concrete_function(tf.TensorSpec([None, *x.shape[1:]]))
        rewritten = time.perf_counter()
        # TensorFlow optimises a graph in its first run.
        first, second = (seconds(lambda: explainer(x)) for _ in range(2))
        ops = len(de.coverage("deeplift"))
    figures = (traced - start, rewritten - traced, rewritten - start, first, second)
    return [name, str(ops), *(f"{value:.2f}" for value in figures)]


def share_of_check(name: str) -> list[list[str]]:
    """Returns a row for each method: the seconds of a first call, tracing among them, and of the check in it."""
    model, x = _of_applications(name)
    model(x)  # the first call of a Keras model takes longer
    check, rows = Agreement._check, []
    for method in _METHODS.value:
        checks: list[float] = []

        def timed(*arguments: Any, checks: list[float] = checks) -> None:
            checks.append(seconds(lambda: check(*arguments)))

        with mock.patch.object(Agreement, "_check", timed), dx.DeepExplain(model) as de:
            options: dict[str, Any] = {}
            if method == "occlusion":
                options = dict.fromkeys(("window_shape", "strides"), (_SIZE.value // 4, _SIZE.value // 4, 3))
            explain = functools.partial(de.explain, method, x, target=1, **options)
            first, second = seconds(explain), seconds(explain)
        share = f"{sum(checks) / first:.1%}"
        rows.append([name, method, *(f"{value:.2f}" for value in (first, sum(checks))), share, f"{second:.2f}"])
    return rows


def background(name: str) -> list[str]:
    """Returns a row: the sizes, the seconds of a loop and of one call, their ratio, the gap and the difference."""
    keras.utils.set_random_seed(0)
    model, shape, jit = _NETWORKS[name]()
    generator = np.random.default_rng(0)
    x, baselines = (generator.normal(size=(n, *shape[1:])).astype("float32") for n in (shape[0], _BASELINES.value))
    x += 1  # brighter than the baselines: a gap is told relative to a change that is more than rounding
    with dx.DeepExplain(model, jit_compile=jit) as de:
        explainer = de.explainer("deeplift", target=1)

    def together() -> dx.Explanation:
        return explainer(x, background=baselines)

    def loop() -> np.ndarray:
        total = np.zeros(x.shape)
        for baseline in baselines:
            total += explainer(x, baseline=baseline).attributions
        return total / len(baselines)

    e, expected = together(), loop()
    gap = np.abs(e.completeness_gap / (e.outputs - e.baseline_outputs)).max()
    off = np.abs(e.attributions - expected).max() / np.abs(expected).max()
    pairs = Pairs(together, loop, _CALLS.value)
    ours, theirs = pairs.medians
    sizes = [str(shape[0]), str(len(baselines))]
    return [name, *sizes, f"{theirs:.2f}", f"{ours:.2f}", f"{pairs.ratio:.2f}", f"{gap:.1e}", f"{off:.1e}"]


def main(argv: list[str]) -> None:
    """Prints the tables."""
    del argv
    if _RATIO.value:
        rows = [ratio(name) for name in _RATIO.value]
        print(table.render(["network", "XLA", "gradient ms", "deeplift ms", "ratio"], rows))
    if _READY.value:
        rows = [ready(name) for name in _READY.value]
        header = ["network", "active ops", "trace s", "rewrite s", "ready s", "first call s", "next call s"]
        print(table.render(header, rows))
    if _CHECK.value:
        rows = [row for name in _CHECK.value for row in share_of_check(name)]
        header = ["network", "method", "first call s", "check s", "share", "next call s"]
        print(table.render(header, rows, left=2))
    if _BACKGROUND.value:
        rows = [background(name) for name in _BACKGROUND.value]
        header = ["network", "examples", "baselines", "loop s", "one call s", "ratio", "gap", "difference"]
        print(table.render(header, rows))


if __name__ == "__main__":
    app.run(main)
