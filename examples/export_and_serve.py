"""Does an exported explainer return the same numbers without this library and without Keras?

    python examples/export_and_serve.py --flagfile=configs/export_and_serve.cfg

This script exports explainers of four networks as SavedModels, and runs each in a process that can import neither
`deepexplain_tf` nor Keras. The table has a row for each network and method:

  MB, own MB   the size of the exported folder, and of the model's own SavedModel as Keras writes it
  difference   max |exported − library| / max |library| of the attributions, the largest over the batch sizes
  export s     the seconds of the export

EfficientNet-Lite0 is trained; the other networks have random weights. At the end, `saved_model_cli` computes one
explanation. The exit code is 1 where a difference is above 1e-5 or a folder is more than 5 MB larger than the model's
own.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

from absl import app, flags, logging
import keras
from keras import layers
import numpy as np

from choices import require_known
import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0
from deepexplain_tf.writing.npz import write_npz
from deepexplain_tf.writing.table import render, scientific
from results import write_json

_MODELS = flags.DEFINE_list("models", ["efficientnet_lite0", "lstm", "encoder", "tabular"], "The networks.")
_METHODS = flags.DEFINE_list(
    "methods", ["deeplift", "integrated_gradients", "epsilon_lrp", "occlusion"], "The methods."
)
_SIZES = flags.DEFINE_list("sizes", ["1", "3", "17"], "The batch sizes.")
_STEPS = flags.DEFINE_integer("steps", 16, "The n_steps of integrated_gradients.", lower_bound=1)
_SHOW = flags.DEFINE_bool("show", True, "Whether to show one explanation by saved_model_cli.")
_OUT = flags.DEFINE_string("out", None, "A JSON file to write with all figures.")

_MOST_DIFFERENT, _MOST_MEGABYTES = 1e-5, 5.0
_BARE = """
import json, sys
for name in ("keras", "tf_keras", "deepexplain_tf"):
    sys.modules[name] = None  # an import of it fails
import numpy as np, tensorflow as tf
folder = sys.argv[1]
explain = tf.saved_model.load(f"{folder}/explainer").signatures["serving_default"]
for size in sys.argv[2:]:
    found = explain(**{k: tf.constant(v) for k, v in np.load(f"{folder}/{size}.npz").items()})
    np.savez(f"{folder}/{size}_found.npz", **{k: v.numpy() for k, v in found.items()})
"""


@dataclasses.dataclass(frozen=True)
class Network:
    """A network with its inputs and the options of its explanation.

    Attributes:
      build: makes the network.
      draw: number of examples → inputs by name.
      window: `window_shape` and `strides` of occlusion.
      layer: the layer whose output is explained; None for the inputs.
    """

    build: Callable[[], keras.Model]
    draw: Callable[[int], dict[str, np.ndarray]]
    window: Any = None
    layer: str | None = None


def _real(size: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(size).normal(size=(size, *shape)).astype(np.float32)


def _lstm() -> keras.Model:
    words = keras.Input((40,), dtype="int32", name="words")
    hidden = layers.LSTM(64)(layers.Embedding(2000, 32, name="embedding")(words))
    return keras.Model(words, layers.Dense(2, "softmax")(hidden))


def _tabular() -> keras.Model:
    numbers, codes = keras.Input((20,), name="numbers"), keras.Input((12,), name="codes")
    hidden = layers.Concatenate()([layers.Dense(32, "relu")(numbers), layers.Dense(32, "tanh")(codes)])
    return keras.Model([numbers, codes], layers.Dense(3, "softmax")(layers.Dense(32, "relu")(hidden)))


def _encoder() -> keras.Model:
    x = keras.Input((16, 32), name="x")
    attended = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 8)(x, x))
    hidden = layers.Dense(32)(layers.Dense(128, "gelu")(attended))
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(attended + hidden))
    return keras.Model(x, layers.Dense(4, "softmax")(pooled))


def _words(size: int) -> dict[str, np.ndarray]:
    return {"words": np.random.default_rng(size).integers(0, 2000, (size, 40)).astype(np.int32)}


_NETWORKS = {
    "efficientnet_lite0": Network(
        efficientnet_lite0.load, lambda size: {"image": _real(size, 224, 224, 3)}, window=(56, 56, 3)
    ),
    "lstm": Network(_lstm, _words, window=(1, 32), layer="embedding"),
    "tabular": Network(_tabular, lambda size: {"numbers": _real(size, 20), "codes": _real(size, 12)}),
    "encoder": Network(_encoder, lambda size: {"x": _real(size, 16, 32)}, window=(1, 32)),
}


def _options(method: str, network: Network) -> dict[str, Any]:
    if method == "integrated_gradients":
        return {"n_steps": _STEPS.value}
    if method == "occlusion" and network.window:
        return {"window_shape": network.window, "strides": network.window}
    return {}


def _megabytes(folder: pathlib.Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _python(*arguments: str | os.PathLike[str]) -> str:
    """Runs Python without this library on its path; returns the printed text."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the process must exit with 0. Got {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _inputs(network: Network, names: Sequence[str], size: int) -> dict[str, np.ndarray]:
    """Returns the inputs under their names in the exported explainer."""
    drawn = network.draw(size)
    return dict(zip(names, drawn.values(), strict=True)) if len(drawn) == 1 else drawn


def _measure(name: str, model: keras.Model, own: float, method: str, folder: pathlib.Path) -> dict[str, Any]:
    network, sizes = _NETWORKS[name], [int(size) for size in _SIZES.value]
    with dx.DeepExplain(model, layer=network.layer) as de:
        explain = de.explainer(method, **_options(method, network))
    start = time.perf_counter()
    explain.export(folder / "explainer")
    seconds = time.perf_counter() - start
    described = json.loads((folder / "explainer" / "assets" / "explainer.json").read_text("utf-8"))
    signature = described["signatures"]["explain"]["inputs"]
    baselines = {
        key: np.zeros([1, *spec["shape"][1:]], spec["dtype"]) for key, spec in signature.items() if "base" in key
    }
    expected = {}
    for size in sizes:
        inputs = _inputs(network, list(described["signatures"]["predict"]["inputs"]), size)
        target = np.arange(size, dtype=np.int32) % model.output.shape[-1]
        write_npz(folder / f"{size}.npz", {**inputs, **baselines, "target": target})
        given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        expected[size] = keras.tree.flatten(explain(given, target=target).attributions)
    _python("-c", _BARE, folder, *map(str, sizes))
    differences = []
    for size, arrays in expected.items():
        found = np.load(folder / f"{size}_found.npz")
        names = [key for key in signature if key in inputs] if len(arrays) > 1 else [""]
        pairs = zip(arrays, [found[f"attributions_{key}".rstrip("_")] for key in names], strict=True)
        scale = max(np.abs(array).max() for array in arrays)
        differences.append(max(float(np.abs(array - other).max() / scale) for array, other in pairs))
    return {
        "model": name,
        "method": method,
        "MB": _megabytes(folder / "explainer"),
        "own MB": own,
        "difference": max(differences),
        "export s": seconds,
        "xla": described["xla"],
    }


def _by_command_line(folder: pathlib.Path) -> str:
    """Explains one example with TensorFlow's own `saved_model_cli`; returns the command and its output."""
    fed = np.load(folder / "1.npz")
    given = ";".join(f"{name}={folder / '1.npz'}[{name}]" for name in fed)
    where = ["--dir", str(folder / "explainer"), "--tag_set", "serve", "--signature_def", "serving_default"]
    shown = ["saved_model_cli", "run", *where, "--inputs", f"'{given}'"]
    printed = _python("-m", "tensorflow.python.tools.saved_model_cli", "run", *where, "--inputs", given)
    return "\n".join([" ".join(shown).replace(f"{folder}/", ""), printed.strip()])


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    header = ["model", "method", "MB", "own MB", "difference", "export s"]
    forms: tuple[Callable[[Any], str], ...] = (str, str, "{:.2f}".format, "{:.2f}".format, scientific, "{:.1f}".format)
    cells = [[form(row[key]) for form, key in zip(forms, header, strict=True)] for row in rows]
    return render(header, cells, left=2)


def main(argv: Sequence[str]) -> None:
    """Exports the explainers, runs them in other processes and compares the attributions."""
    del argv
    logging.set_verbosity(logging.ERROR)  # TensorFlow logs every file that it writes
    require_known(_MODELS, _NETWORKS)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in _MODELS.value:
            keras.utils.set_random_seed(0)
            model, root = _NETWORKS[name].build(), pathlib.Path(temporary, name)
            model.export(root / "own", verbose=False)
            own = _megabytes(root / "own")
            for method in _METHODS.value:
                (root / method).mkdir()
                rows.append(_measure(name, model, own, method, root / method))
                print(f"{name} {method}", file=sys.stderr, flush=True)
        print(_table(rows))
        if _SHOW.value:
            print("\n" + _by_command_line(root / method))
    if _OUT.value:
        write_json(_OUT.value, rows)
    if any(row["difference"] > _MOST_DIFFERENT or row["MB"] > row["own MB"] + _MOST_MEGABYTES for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
