"""The format SavedModel, which runs without this library and without Keras."""

import dataclasses
import os
import pathlib
from typing import Any, ClassVar

import tensorflow as tf

from deepexplain_tf.export.base import FORMATS, Format
from deepexplain_tf.export.program import ExplainerProgram, concrete


@FORMATS.register("saved_model")
@dataclasses.dataclass(frozen=True)
class SavedModel(Format):
    """A SavedModel with the signatures `explain`, also named `serving_default`, and `predict`.

    Variables are stored once. Where XLA compiles the explainer's program, it compiles the loaded one too; `write` tries
    that with one example. A program that XLA cannot compile is an error where the user set `jit_compile=True`, and
    otherwise is exported without XLA, with a note.
    """

    description_file: ClassVar[str] = os.path.join("assets", "explainer.json")

    def write(self, program: ExplainerProgram, folder: pathlib.Path) -> dict[str, Any]:
        explain = concrete(program.explain, program.specs)
        if is_compiled(explain) and (plain := program.without_xla()) is not None:
            program = plain
            explain = concrete(program.explain, program.specs)
        predict = concrete(program.predict, program.inputs)
        holder = tf.Module()  # with variables alone, so that loading needs no Python class
        holder.resources = program.resources.holders(explain, predict)
        signatures = {"serving_default": explain, "explain": explain, "predict": predict}
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(holder, str(folder), signatures=signatures, options=options)
        described = {name: _described(function) for name, function in signatures.items()}
        return {**program.provenance(), "xla": is_compiled(explain), "signatures": described}


def is_compiled(function: Any) -> bool:
    """Returns whether XLA compiles a function that a concrete function calls."""
    library = function.graph.as_graph_def().library.function
    return any(called.attr["_XlaMustCompile"].b for called in library)


def _described(function: Any) -> dict[str, Any]:
    named = {"inputs": function.structured_input_signature[1], "outputs": function.structured_outputs}
    return {
        key: {name: {"dtype": t.dtype.name, "shape": t.shape.as_list()} for name, t in tensors.items()}
        for key, tensors in named.items()
    }
