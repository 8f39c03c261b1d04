"""Runs an explainer that was exported as StableHLO with JAX's XLA, without TensorFlow.

    deepexplain export --model=cats.keras --method=deeplift --format=stablehlo --input=cats.npy --out=exported
    python examples/run_stablehlo.py --program=exported --arrays=arrays.npz --out=explanation.npz

`arrays.npz` holds an array for each parameter that `exported/explainer.json` names and `exported/weights.npz` does not.
"""

from collections.abc import Mapping, Sequence
import json
import pathlib
from typing import Any

from absl import app, flags
import jax
from jaxlib import _jax, xla_client  # JAX has no public way to run a program of another origin
import ml_dtypes
import numpy as np

_PROGRAM = flags.DEFINE_string("program", None, "The exported folder.", required=True)
_ARRAYS = flags.DEFINE_string("arrays", None, "An .npz file with the arguments of the program.", required=True)
_OUT = flags.DEFINE_string("out", None, "The .npz file to write.", required=True)


def _array(given: np.ndarray, parameter: Mapping[str, Any]) -> np.ndarray:
    """Returns an array in a parameter's dtype; ValueError where its shape differs."""
    bfloat16 = parameter["dtype"] == "bfloat16"
    array = given.view(ml_dtypes.bfloat16) if bfloat16 and given.dtype.kind == "V" else given
    array = array.astype(parameter["dtype"], casting="same_kind")
    if list(array.shape) != parameter["shape"]:
        raise ValueError(f"{parameter['name']} must have the shape {parameter['shape']}. Got {list(array.shape)}.")
    return array


def explain(folder: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the results, by name, of the program in a folder for arrays by name."""
    described = json.loads((folder / "explainer.json").read_text("utf-8"))
    weights = folder / "weights.npz"
    given = {**arrays, **(np.load(weights) if weights.exists() else {})}
    device = jax.devices()[0]
    program = (folder / "explainer.mlir").read_bytes()
    compiled = device.client.compile_and_load(program, _jax.DeviceList((device,)), xla_client.CompileOptions())
    with jax.enable_x64(True):
        fed = [jax.device_put(_array(given[p["name"]], p), device) for p in described["parameters"]]
    found = compiled.execute_sharded(fed).disassemble_into_single_device_arrays()
    return {result["name"]: np.asarray(one) for result, (one,) in zip(described["results"], found, strict=True)}


def main(argv: Sequence[str]) -> None:
    """Reads the arrays, runs the program and writes the results."""
    del argv
    found = explain(pathlib.Path(_PROGRAM.value), dict(np.load(_ARRAYS.value)))
    # The type checker takes the names of arrays for options of savez.
    np.savez(_OUT.value, **found)  # type: ignore[arg-type]
    for name, array in found.items():
        print(f"{name} {array.dtype}{list(array.shape)}")


if __name__ == "__main__":
    app.run(main)
