"""Does an explanation stay within `max_memory=`?

    python examples/memory.py
    python examples/memory.py --networks=ResNet50 --limits=512MiB

This script runs Integrated Gradients of networks of keras.applications on pictures of 224 × 224 pixels, of an MLP and
of an LSTM, each in a fresh process. It prints the numbers of examples and evaluations at once that a limit allows, and
the growth of the resident memory. Linux only.
"""

from absl import app, flags
import keras
import numpy as np

from benchmark_works.memory import Growth, in_fresh_process
import deepexplain_tf as dx
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.methods.base import make
import deepexplain_tf.writing.table as table

_NETWORKS = flags.DEFINE_list(
    "networks", ["mlp", "lstm", "ResNet50", "VGG16", "MobileNetV2", "DenseNet121", "ConvNeXtTiny"], "The networks."
)
_LIMITS = flags.DEFINE_list("limits", ["512MiB", "1GiB", "2GiB"], "The values of max_memory.")
_EXAMPLES, _SIZE = 8, 224


def _network(name: str) -> keras.Model:
    layers = keras.layers
    if name == "mlp":
        hidden = [layers.Dense(512, "relu"), layers.Dense(512, "relu")]
        return keras.Sequential([keras.Input((2_000,)), *hidden, layers.Dense(1)])
    if name == "lstm":
        return keras.Sequential([keras.Input((200, 64)), layers.LSTM(64), layers.Dense(5)])
    return getattr(keras.applications, name)(weights=None, input_shape=(_SIZE, _SIZE, 3))


def grown(name: str, limit: str) -> list[str]:
    """Returns a row: the limit, the sizes that it allows, and the growth of the process in megabytes."""
    model = _network(name)
    x = np.random.default_rng(0).normal(size=(_EXAMPLES, *model.input_shape[1:])).astype("float32")
    with dx.DeepExplain(model) as de:
        method = make("integrated_gradients", {})
        call = prepare(de._engine, method, x, target=0, max_memory=limit)
        steps = max(2 * call.chunks.size // min(_EXAMPLES, call.batch_size), 2)
        explainer = de.explainer("integrated_gradients", target=0, n_steps=steps, max_memory=limit)
        model(x[:1])
        growth = Growth()
        explainer(x)
        megabytes = growth.megabytes
    return [name, limit, str(call.batch_size), str(call.chunks.size), "–" if megabytes is None else f"{megabytes:.0f}"]


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    rows = []
    for name in _NETWORKS.value:
        for limit in _LIMITS.value:
            rows.append(in_fresh_process(grown, name, limit))
            print("  ".join(rows[-1]), flush=True)
    print("\n" + table.render(["network", "max_memory", "examples", "evaluations", "grew by MB"], rows, left=2))


if __name__ == "__main__":
    app.run(main)
