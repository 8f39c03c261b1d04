"""Writes the compiled programs of Integrated Gradients for a machine with JAX and a graphics card.

    python examples/path_on_gpu/export.py --out=programs

This script writes a folder for each work:

  work.json      the shape, the steps, and the names and shapes of the programs' parameters in their order
  arrays.npz     the parameters that `works.drawn` does not draw, and TensorFlow's attributions on this machine
  *.hlo          a program for each number of gradients at once, with and without TensorFloat-32

`integrated_gradients` with `jit_compile=True` runs the same programs. Each takes any number of steps, which is one of
its arguments. `run.py` runs them.
"""

from collections.abc import Callable, Mapping, Sequence
import json
import pathlib
from typing import Any

from absl import app, flags
import keras
from keras import layers
import numpy as np
import tensorflow as tf

# The type of a serialised program, which has no public name.
from tensorflow.compiler.xla.service import hlo_pb2

import deepexplain_tf as dx
from deepexplain_tf.engine.call import Call
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.methods.integrated_gradients import IntegratedGradients
from works import QUICK, TARGET, WORKS, Work, drawn

_WORKS = flags.DEFINE_list("works", list(WORKS), "The works to export.")
_CHUNKS = flags.DEFINE_list(
    "chunks", ["16", "64", "256", "1024"], "Numbers of gradients at once, beside the library's choice."
)
_QUICK = flags.DEFINE_bool("quick", False, "Whether to export the small version of each work.")
_OUT = flags.DEFINE_string("out", "programs", "The folder to write.")


def _wide_mlp(shape: Sequence[int]) -> keras.Model:
    hidden = [layers.Dense(width, "relu", name=f"dense_{number}") for number, width in enumerate((256, 64))]
    return keras.Sequential([keras.Input(shape), *hidden, layers.Dense(10, name="dense_2")])


def _lstm(shape: Sequence[int]) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layers.LSTM(64), layers.Dense(5, name="dense")])


def _resnet50(shape: Sequence[int]) -> keras.Model:
    return keras.applications.ResNet50(weights=None, input_shape=tuple(shape), classifier_activation=None)


_MODELS: dict[str, Callable[[Sequence[int]], keras.Model]] = {
    "wide_mlp": _wide_mlp,
    "resnet50": _resnet50,
    "lstm": _lstm,
}


def name_of(weight: Any) -> str:
    """Returns the name of a weight with its layer's, `"LAYER/WEIGHT"`."""
    return "/".join(weight.path.split("/")[-2:])


def _set_weights(model: keras.Model, x: np.ndarray) -> None:
    """Draws the weights, and gives batch normalisation the statistics of the inputs."""
    for weight in model.weights:
        if not weight.path.endswith("seed_generator_state"):
            weight.assign(drawn(name_of(weight), tuple(weight.shape)))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    model(x, training=True)


def _program(call: Call, method: IntegratedGradients) -> tuple[Any, dict[str, np.ndarray], list[Any]]:
    """Returns a function stage → program, the program's arguments by name, and the variables that it captures."""
    count = call.inputs[0].shape[0]
    data = {**method.data(call.layout), "count": np.int32(count)}
    arguments = call.arguments(data, lambda array: np.resize(array, (count, *array.shape[1:])))
    function: Any = call.engine.attribution(method, call.objective, call.chunks, arguments)
    named = {kind: arguments[kind][0].numpy() for kind in ("inputs", "selector", "baseline")}
    # TensorFlow feeds a dict in the order of its keys.
    named |= {name: tensor.numpy() for name, tensor in sorted(arguments["data"].items())}
    compiler_ir = function.experimental_get_compiler_ir(*arguments.values())
    return compiler_ir, named, list(function.get_concrete_function().captured_inputs)


def _without_copies(hlo: bytes) -> bytes:
    """Returns a program with reshapes to the same shape in place of copies, which StableHLO does not have."""
    module = hlo_pb2.HloModuleProto.FromString(hlo)
    for computation in module.computations:
        for instruction in computation.instructions:
            if instruction.opcode == "copy":
                instruction.opcode = "reshape"
    return bytes(module.SerializeToString())


def _export(name: str, work: Work, folder: pathlib.Path) -> None:
    x = drawn("x", work.shape)
    model = _MODELS[name](work.shape[1:])
    _set_weights(model, x)
    method = IntegratedGradients(n_steps=work.steps)
    options: Mapping[str, Any] = {"target": TARGET, "batch_size": len(x)}
    with dx.DeepExplain(model, jit_compile=False) as de:
        expected = de.explain("integrated_gradients", x, n_steps=work.steps, **options)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = sorted({min(int(chunk), work.gradients) for chunk in _CHUNKS.value})
    for allowed in (True, False):
        tf.config.experimental.enable_tensor_float_32_execution(allowed)
        with dx.DeepExplain(model, jit_compile=True) as de:
            engine = de.explainer("integrated_gradients")._engine  # the engine has no public name
        engine.accelerated = True  # the programs will run on an accelerator, and their chunks are chosen for it
        calls = [prepare(engine, method, x, chunk_size=size, **options) for size in (None, *sizes)]
        for call in calls:
            compiler_ir, arguments, captured = _program(call, method)
            file = f"{call.chunks.size}_{'tf32' if allowed else 'float32'}.hlo"
            (folder / file).write_bytes(_without_copies(compiler_ir(stage="hlo_serialized")))
            print(f"{name}/{file}", flush=True)
    names = {id(weight.value.handle): weight for weight in model.weights}
    weights = {name_of(names[id(handle)]): names[id(handle)].numpy() for handle in captured}
    stored = {key: array for key, array in weights.items() if not np.array_equal(array, drawn(key, array.shape))}
    stored |= {key: array for key, array in arguments.items() if key != "inputs"}
    np.savez(folder / "arrays.npz", expected=expected.attributions, **stored)
    parameters = {"x": x.shape, **{key: array.shape for key, array in arguments.items() if key != "inputs"}}
    parameters |= {key: array.shape for key, array in weights.items()}
    found = {
        "shape": work.shape,
        "steps": work.steps,
        "chunk": calls[0].chunks.size,
        "gap": float(np.abs(expected.completeness_gap).max()),
        "change": float(np.abs(expected.outputs - expected.baseline_outputs).max()),
        "parameters": parameters,
    }
    (folder / "work.json").write_text(json.dumps(found, indent=1), "utf-8")


def main(argv: Sequence[str]) -> None:
    """Writes a folder for each work."""
    del argv
    tf.get_logger().setLevel("ERROR")
    for name in _WORKS.value:
        if name not in WORKS:
            raise app.UsageError(f"--works must be some of {', '.join(WORKS)}. Got {name}.")
        _export(name, (QUICK if _QUICK.value else WORKS)[name], pathlib.Path(_OUT.value) / name)


if __name__ == "__main__":
    app.run(main)
