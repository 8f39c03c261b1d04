"""An explainer as a StableHLO program, which any runtime of XLA compiles, without TensorFlow."""

from collections.abc import Mapping
import dataclasses
import functools
import pathlib
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments import flatten_like
from deepexplain_tf.compiled import lowered
from deepexplain_tf.errors import InputError, ModelError, OptionError
from deepexplain_tf.export.base import FORMATS, Format
from deepexplain_tf.export.program import Program, Specs
from deepexplain_tf.graph import tf_private
from deepexplain_tf.options import require

_VERSION = "1.0.0"  # of StableHLO, the oldest that is stable: what reads any later one reads it
_STAGE = "stablehlo"
_WEIGHTS = ("constants", "arguments")


@FORMATS.register("stablehlo")
@dataclasses.dataclass(frozen=True)
class StableHLO(Format):
    """`explainer.mlir`, a portable artifact of StableHLO 1.0.0 whose function `main` is `explain` for fixed shapes.

    `explainer.json` names its parameters and results in their order. A target is `[batch]` indices, a baseline is one
    for all examples, `[1, ...]`. XLA has no errors while it runs: of an example whose target is no unit of the output
    all results are NaN.

    Attributes:
      inputs: arrays, or `tf.TensorSpec`s, in the structure of the model's inputs: their shapes are the program's.
      weights: `"constants"` of the program, or `"arguments"`, the last parameters, whose numbers are written beside it
        into `weights.npz`.
    """

    description: ClassVar[str] = "explainer.json"
    inputs: Any = None
    weights: str = "constants"

    def __post_init__(self) -> None:
        if self.inputs is None:
            raise OptionError("format 'stablehlo' needs inputs=, arrays or specs whose shapes the program is for.")
        require(self.weights in _WEIGHTS, "weights", "'constants' or 'arguments'", self.weights)
        if not is_available():
            raise OptionError(
                f"format 'stablehlo' needs a TensorFlow that writes it, 2.19 or newer. Got {tf.__version__}; format "
                "'saved_model' needs none."
            )

    def write(self, program: Program, folder: pathlib.Path) -> dict[str, Any]:
        settings = {"freeze": True} if self.weights == "constants" else {}
        program = program.changed(jit_compile=True, **settings)
        specs = program.fixed_specs(_read(self.inputs, program.inputs, program.structure))
        results: dict[str, tf.TensorSpec] = {}

        def main(*tensors: tf.Tensor) -> list[tf.Tensor]:
            named = dict(zip(specs, tensors, strict=True))
            found = _where(program.in_range(named), program.explain(**named))
            results.update({name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in found.items()})
            return list(found.values())

        text, captured = lowered(main, list(specs.values()), _STAGE)
        # The places in the Python files of this machine, of which the text tells, are no part of the program.
        text = tf.mlir.experimental.run_pass_pipeline(text, "strip-debuginfo", show_debug_info=False)
        (folder / "explainer.mlir").write_bytes(tf_private.portable_stablehlo(text, _VERSION))
        weights: dict[str, Any] = program.held.named(captured)
        if weights:
            np.savez(folder / "weights.npz", **weights)
        parameters = {**specs, **{name: tf.TensorSpec(array.shape, array.dtype) for name, array in weights.items()}}
        return {
            **program.provenance(),
            "stablehlo": _VERSION,
            "weights": self.weights,
            "parameters": _described(parameters),
            "results": _described(results),
        }


@functools.cache
def is_available() -> bool:
    """Whether the installed TensorFlow writes StableHLO."""
    try:
        lowered(lambda x: -x, [tf.TensorSpec([])], _STAGE)
    except ModelError:
        return False
    return True


def _where(valid: tf.Tensor | None, found: Mapping[str, tf.Tensor]) -> Mapping[str, tf.Tensor]:
    """Returns arrays that are NaN for examples that are not valid."""
    if valid is None:
        return found
    wide = {name: tf.reshape(valid, [-1] + [1] * (tensor.shape.rank - 1)) for name, tensor in found.items()}
    return {name: tf.where(wide[name], tensor, tf.constant(np.nan, tensor.dtype)) for name, tensor in found.items()}


def _read(given: Any, specs: Specs, structure: Any) -> dict[str, tf.TensorShape]:
    """Returns the shapes that arrays or specs give the model's inputs."""
    leaves = [
        np.asarray(leaf) if not hasattr(leaf, "shape") else leaf for leaf in flatten_like(given, structure, "inputs")
    ]
    shapes = {name: tf.TensorShape(leaf.shape) for name, leaf in zip(specs, leaves, strict=True)}
    for name, shape in shapes.items():
        if not (shape.is_fully_defined() and shape.rank and specs[name].shape.is_compatible_with(shape)):
            raise InputError(f"inputs must give {name!r} fixed sizes that fit {specs[name].shape}. Got {shape}.")
    batches = sorted({shape[0] for shape in shapes.values()})
    if len(batches) > 1 or 0 in batches:
        raise InputError(f"inputs must have one batch size ≥ 1. Got {batches}.")
    return shapes


def _described(specs: Mapping[str, tf.TensorSpec]) -> list[dict[str, Any]]:
    return [{"name": n, "dtype": spec.dtype.name, "shape": spec.shape.as_list()} for n, spec in specs.items()]
