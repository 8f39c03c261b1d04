"""What does TensorFlow's persistent cache of XLA's compilations gain?

    python examples/compilation_cache.py

This script explains a recurrent network in fresh processes: without the cache, with an empty one, and with the one that
the process before has filled. It prints the seconds of each first call, and whether the attributions are the same
numbers. The cache is TensorFlow's own, switched on by `TF_XLA_FLAGS` before TensorFlow starts.
"""

import os
import tempfile

from absl import app, flags
import keras
from keras import layers
import numpy as np

from benchmark_works.memory import in_fresh_process
import deepexplain_tf as dx
from deepexplain_tf.writing.table import render
from interleaved import seconds

_METHOD = flags.DEFINE_string("method", "deeplift", "The method.")
_LENGTH = flags.DEFINE_integer("length", 200, "The length of the sequence.", lower_bound=64)


def _first_call(method: str, length: int) -> tuple[float, np.ndarray]:
    """Returns the seconds of the first call, and the attributions."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((length, 32)), layers.LSTM(64), layers.Dense(5)])
    x = np.random.default_rng(0).normal(size=(16, length, 32)).astype("float32")
    found = []
    with dx.DeepExplain(model) as de:
        explainer = de.explainer(method, target=1)
        taken = seconds(lambda: found.append(explainer(x)))
    return taken, found[0].attributions


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    runs = {"no cache": _first_call_in(None)}
    with tempfile.TemporaryDirectory() as folder:
        runs["an empty cache"] = _first_call_in(folder)
        runs["a filled cache"] = _first_call_in(folder)
    _, expected = runs["no cache"]
    rows = [[name, f"{taken:.2f}", str(np.array_equal(a, expected))] for name, (taken, a) in runs.items()]
    print(render(["", "first call s", "the same numbers"], rows, left=1))


def _first_call_in(folder: str | None) -> tuple[float, np.ndarray]:
    """Runs `_first_call` in a fresh process, with a folder as its cache."""
    own = os.environ.pop("TF_XLA_FLAGS", "")
    cache = f"--tf_xla_persistent_cache_directory={folder} --tf_xla_persistent_cache_device_types=CPU"
    os.environ["TF_XLA_FLAGS"] = own if folder is None else f"{own} {cache}".strip()
    try:
        found: tuple[float, np.ndarray] = in_fresh_process(_first_call, _METHOD.value, _LENGTH.value)
        return found
    finally:
        os.environ["TF_XLA_FLAGS"] = own


if __name__ == "__main__":
    app.run(main)
