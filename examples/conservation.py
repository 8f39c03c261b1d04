"""How much relevance do layers conserve, and how much do biases absorb?

    python examples/conservation.py --models=VGG16,MobileNetV2
    python examples/conservation.py --out=examples/conservation.md

This script builds one network of each family of `keras.applications` with random weights, explains two pictures by
`lrp` with a composite and prints a row for each network:

  without   the largest |Σ relevance − F| / |F| with all summands 0: biases, the offsets and means of batch
            normalisations, the offset of a rescaling
  with      the same with random summands, which absorb their share of the relevance

The exit code is 1 where relevance is lost without summands.
"""

from collections.abc import Sequence

from absl import app, flags
import keras
import numpy as np

from choices import require_known
import deepexplain_tf as dx
from deepexplain_tf.writing.table import render, scientific
from keras_state import forget
from results import listed_versions, markdown_table, write
from zoo_models import MODELS, Entry, calibrate, faded

_FAMILIES = """
    VGG16 ResNet50 ResNet50V2 DenseNet121 InceptionV3 InceptionResNetV2 Xception MobileNet MobileNetV2 MobileNetV3Small
    NASNetMobile EfficientNetB0 EfficientNetV2B0 ConvNeXtTiny
"""
_MODELS = flags.DEFINE_list("models", _FAMILIES.split(), "The names of the models, which are those of zoo.py.")
_COMPOSITE = flags.DEFINE_string("composite", "epsilon_plus", "The composite of lrp.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", ["float32", "float64"], "The dtype of the networks.")
_OUT = flags.DEFINE_string("out", None, "A Markdown file for the table.")

_HEADER = ("model", "layers", "without", "with")
_LIMIT = 1e-3
_SUMMANDS = ("bias", "beta", "moving_mean", "mean")


def _row(entry: Entry) -> tuple[str, int, float, float]:
    """Returns the name, the number of layers, and the losses without and with summands."""
    inputs, others = (entry.draw(np.random.default_rng(seed), 2).astype(_DTYPE.value) for seed in (1, 2))
    model = entry.build()
    calibrate(model, faded(inputs, others))
    kept = _lost(model, inputs)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Rescaling):
            layer.offset = 0.0
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is not None:
            layer.mean = keras.ops.zeros_like(layer.mean)
    for variable in model.variables:
        if variable.name in _SUMMANDS:
            variable.assign(np.zeros(variable.shape))
    with dx.DeepExplain(model) as de:
        layers = sum(op.type == "Layer" for op in de.coverage("lrp").ops)
    return entry.name, layers, _lost(model, inputs), kept


def _lost(model: keras.Model, inputs: np.ndarray) -> float:
    with dx.DeepExplain(model, jit_compile=False) as de:
        e = de.explain("lrp", inputs, composite=_COMPOSITE.value)
    return float((np.abs(e.completeness_gap) / np.abs(e.outputs)).max())


def main(argv: list[str]) -> int:
    """Measures the models; returns the exit code."""
    del argv
    require_known(_MODELS, MODELS)
    keras.config.set_floatx(_DTYPE.value)
    rows: list[tuple[str, int, float, float]] = []
    for name in _MODELS.value:
        rows.append(_row(MODELS[name]))
        forget()
        print(render(_HEADER, [_cells(rows[-1])]), flush=True)
    if _OUT.value:
        write(_OUT.value, f"{_about()}\n{markdown_table(_HEADER, [_cells(row) for row in rows])}")
    return int(any(not lost <= _LIMIT for _, _, lost, _ in rows))


def _cells(row: Sequence[str | int | float]) -> list[str]:
    return [scientific(value) if isinstance(value, float) else str(value) for value in row]


def _about() -> str:
    found = listed_versions()
    return f"""# What `lrp` conserves on the families of `keras.applications`

`python examples/conservation.py --composite={_COMPOSITE.value} --out=…` made this table, with {found}. A row has the
largest |Σ relevance − F| / |F| of two pictures: *without* summands (biases, offsets and means of normalisations), where
only the stabilizers absorb relevance and the limit is {_LIMIT:g}, and *with* random ones, which absorb their share.

The largest losses are those of layer normalisations, in which x and its mean nearly cancel: the relevance of both
grows, to 63 times the output for ConvNeXtTiny, and stabilizers absorb a part of it, in float64 as in float32. With
`("AddV2", dx.rules.absolute())` before the other rules it does not grow.
"""


if __name__ == "__main__":
    app.run(main)
