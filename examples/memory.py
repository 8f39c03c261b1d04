"""Does an explanation stay within `max_memory=`?

    python examples/memory.py
    python examples/memory.py --networks=ResNet50 --methods=integrated_gradients --limits=512MiB

This script explains eight examples by networks whose first layers shrink the input (`pooled`, `strided`), that keep its
size, or that are dense, recurrent or attend, each in a fresh process and with more evaluations than the limit allows at
once. `sensitivity_n` is the metric, through `dx.compare`; `noise+NAME` is a method under noise. It prints the growth of
the resident memory in MiB, for each limit. Linux only.
"""

from typing import Any

from absl import app, flags
import keras
import numpy as np

from benchmark_works.memory import Growth, in_fresh_process
import deepexplain_tf as dx
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.methods.make import make
import deepexplain_tf.writing.table as table

_NETWORKS = flags.DEFINE_list(
    "networks", ["pooled", "strided", "dense", "lstm", "attention", "cnn", "ResNet50"], "The networks."
)
_METHODS = flags.DEFINE_list(
    "methods",
    [
        *("integrated_gradients", "expected_gradients", "deeplift", "occlusion", "shapley_sampling", "sensitivity_n"),
        *("noise+gradient_x_input", "noise+integrated_gradients"),
    ],
    "The methods.",
)
_LIMITS = flags.DEFINE_list("limits", ["256MiB", "512MiB"], "The values of max_memory.")
_EXAMPLES, _PARTS = 8, 16


def _network(name: str) -> keras.Model:
    layers = keras.layers
    if name == "pooled":
        hidden = [layers.MaxPooling2D(8), layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D()]
        return keras.Sequential([keras.Input((512, 512, 3)), *hidden, layers.Dense(3)])
    if name == "strided":
        hidden = [layers.Conv2D(16, size, size, activation="relu") for size in (8, 2)]
        end = [layers.GlobalAveragePooling2D(), layers.Dense(3)]
        return keras.Sequential([keras.Input((256, 256, 3)), layers.Activation("tanh"), *hidden, *end])
    if name == "dense":
        return keras.Sequential([keras.Input((20_000,)), layers.Dense(64, "relu"), layers.Dense(3)])
    if name == "lstm":
        return keras.Sequential([keras.Input((200, 64)), layers.LSTM(64), layers.Dense(3)])
    if name == "attention":
        x = keras.Input((128, 64))
        y = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(4, 16)(x, x)]))
        return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(y)))
    if name == "cnn":
        hidden = []
        for filters in (32, 64, 128):
            hidden += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D()]
        return keras.Sequential([keras.Input((96, 96, 3)), *hidden, layers.Flatten(), layers.Dense(3)])
    return getattr(keras.applications, name)(weights=None, input_shape=(160, 160, 3))


def _parts(shape: tuple[int, ...]) -> np.ndarray:
    """Returns groups of the elements of an example: equal parts of its first axis."""
    numbers = np.arange(shape[0]) * _PARTS // shape[0]
    return np.broadcast_to(numbers.reshape(-1, *[1] * (len(shape) - 1)), shape)


def _options(method: str, shape: tuple[int, ...], evaluations: int) -> dict[str, Any]:
    """Returns options with which a method evaluates the network at least so often for each example."""
    if method.startswith("noise+"):
        steps = {"n_steps": 4} if method.endswith("integrated_gradients") else {}
        return {"noise": dx.noise("smoothgrad", 0.1, evaluations), "seed": 0, **steps}
    if method in ("integrated_gradients", "idgi", "layer_conductance"):
        return {"n_steps": evaluations}
    if method == "integrated_hessians":
        return {"n_steps": -(-evaluations // _PARTS), "groups": _parts(shape)}
    if method in ("deeplift", "expected_gradients"):
        size = evaluations if method == "deeplift" else 10
        background = np.random.default_rng(1).normal(size=(size, *shape)).astype("float32")
        return {"background": background, **({} if method == "deeplift" else {"n_samples": evaluations, "seed": 0})}
    if method == "occlusion":
        window = max(shape[0] // evaluations, 1)
        return {"window_shape": (window, *shape[1:]), "strides": (window, *shape[1:])}
    pairs = evaluations // (2 * (_PARTS - 1)) + 1
    return {"groups": _parts(shape), "n_samples": 2 * pairs, "seed": 0}


def grown(name: str, method: str, limit: str) -> str:
    """Returns the growth of the process in MiB."""
    model = _network(name)
    shape = model.input_shape[1:]
    x = np.random.default_rng(0).normal(size=(_EXAMPLES, *shape)).astype("float32")
    model(x[:1])
    if method == "sensitivity_n":
        growth = Growth()
        scored: dict[str, Any] = {"methods": ["gradient_x_input"], "metrics": [("sensitivity_n", {"subsets": 16})]}
        dx.compare(model, x, **scored, target=0, groups=_parts(shape), max_memory=limit, seed=0)
    else:
        name = method.removeprefix("noise+")
        layer = model.layers[-1].name if method == "layer_conductance" else None
        with dx.DeepExplain(model, layer=layer) as de:
            made = make(name, {key: value for key, value in _options(method, shape, 8).items() if key != "seed"})
            call = prepare(de.engine, made, x, target=0, max_memory=limit)
            evaluations = max(2 * call.chunks.size // min(_EXAMPLES, call.batch_size), 8)
            explainer = de.explainer(name, target=0, max_memory=limit, **_options(method, shape, evaluations))
            growth = Growth()
            explainer(x)
    megabytes = growth.megabytes
    return "–" if megabytes is None else f"{megabytes * 1e6 / 2**20:.0f}"


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    rows = []
    for name in _NETWORKS.value:
        for method in _METHODS.value:
            rows.append([name, method, *(in_fresh_process(grown, name, method, limit) for limit in _LIMITS.value)])
            print("  ".join(rows[-1]), flush=True)
    print("\n" + table.render(["network", "method", *_LIMITS.value], rows, left=2))


if __name__ == "__main__":
    app.run(main)
