"""The format StableHLO, a program that any runtime of XLA compiles without TensorFlow."""

from collections.abc import Mapping
import dataclasses
import functools
import pathlib
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require
from deepexplain_tf.arguments.structure import flatten_like
from deepexplain_tf.engine.compiled import lower_to_ir
from deepexplain_tf.errors import InputError, ModelError, OptionError
from deepexplain_tf.export.base import FORMATS, Format
from deepexplain_tf.export.program import ExplainerProgram, Specs
from deepexplain_tf.graph import tf_private
from deepexplain_tf.writing.npz import write_npz

_VERSION = "1.0.0"  # the oldest stable version of StableHLO, which every later reader reads
_STAGE = "stablehlo"
_WEIGHTS = ("constants", "arguments")


@FORMATS.register("stablehlo")
@dataclasses.dataclass(frozen=True)
class StableHLO(Format):
    """`explainer.mlir`, a portable artifact of StableHLO 1.0.0 whose function `main` is `explain` for fixed shapes.

    `explainer.json` names its parameters and results in their order. A target is `[batch]` indices (`[batch, axes]`
    where the output has several axes), a baseline is one for all examples, `[1, ...]`. XLA raises no errors at run
    time: an example whose target is not a unit of the output has NaN in all results.

    Attributes:
      inputs: arrays or `tf.TensorSpec`s in the structure of the model's inputs, with the shapes of the program.
      weights: `"constants"`: the weights are part of the program. `"arguments"`: they are its last parameters, and
        `weights.npz` beside it holds their numbers.
    """

    description_file: ClassVar[str] = "explainer.json"
    inputs: Any = None
    weights: str = "constants"

    def __post_init__(self) -> None:
        if self.inputs is None:
            raise OptionError("format 'stablehlo' needs inputs=, arrays or specs of the program's shapes. Got None.")
        require(self.weights in _WEIGHTS, "weights", "'constants' or 'arguments'", self.weights)
        if not is_available():
            raise OptionError(
                f"format 'stablehlo' needs a TensorFlow that writes it, 2.19 or newer. Got {tf.__version__}; format "
                "'saved_model' needs none."
            )

    def write(self, program: ExplainerProgram, folder: pathlib.Path) -> dict[str, Any]:
        texts = [name for name, spec in program.inputs.items() if spec.dtype == tf.string]
        if texts:
            raise ModelError(
                f"format 'stablehlo' has numbers alone. Got strings for {texts[0]!r}; format 'saved_model' has both."
            )
        settings = {"freeze": True} if self.weights == "constants" else {}
        program = program.with_settings(jit_compile=True, **settings)
        specs = program.fixed_specs(_read(self.inputs, program.inputs, program.structure))
        results: dict[str, tf.TensorSpec] = {}

        def main(*tensors: tf.Tensor) -> list[tf.Tensor]:
            named = dict(zip(specs, tensors, strict=True))
            found = _nan_where_invalid(program.in_range(named), program.explain(**named))
            results.update({name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in found.items()})
            return list(found.values())

        text, captured = lower_to_ir(main, list(specs.values()), _STAGE)
        # The text names lines of Python files on this machine, which are no part of the program.
        text = tf.mlir.experimental.run_pass_pipeline(text, "strip-debuginfo", show_debug_info=False)
        (folder / "explainer.mlir").write_bytes(tf_private.portable_stablehlo(text, _VERSION))
        weights = program.resources.named(captured)
        if weights:
            write_npz(folder / "weights.npz", weights)
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
        lower_to_ir(lambda x: -x, [tf.TensorSpec([])], _STAGE)
    except ModelError:
        return False
    return True


def _nan_where_invalid(valid: tf.Tensor | None, found: Mapping[str, tf.Tensor]) -> Mapping[str, tf.Tensor]:
    """Returns arrays with NaN for the examples that are not valid."""
    if valid is None:
        return found
    wide = {name: tf.reshape(valid, [-1] + [1] * (tensor.shape.rank - 1)) for name, tensor in found.items()}
    return {name: tf.where(wide[name], tensor, tf.constant(np.nan, tensor.dtype)) for name, tensor in found.items()}


def _read(given: Any, specs: Specs, structure: Any) -> dict[str, tf.TensorShape]:
    """Returns the shapes of the model's inputs by name, from arrays or specs; InputError where they do not fit."""
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
