"""The flags that name a model and the part of it to explain; the same for every command."""

from typing import Any

from absl import flags

from deepexplain_tf.cli import values as parse

_TEXTS = (
    ("model", None, "A .keras or .h5 file, a SavedModel folder, or a frozen graph (.pb). No code in it is run."),
    (
        "output",
        "auto",
        """auto leaves out a final softmax or sigmoid; model takes the model as it is; a name or number chooses
        one of several outputs. For a frozen graph: the name of a tensor.""",
    ),
    ("signature", None, "The signature to explain of a SavedModel that has several."),
    (
        "layer",
        None,
        """The Keras layer whose output is explained instead of the model's input, as the embedding of a text.""",
    ),
)
_INPUT_SIGNATURE = """The name, dtype and shape of an input, as 'x:float32[?,28,28,1]', where ? is an open axis. A
    frozen graph takes as inputs the tensors named here instead of its placeholders. Other models need it only where
    their file leaves shapes open"""


def define(values: flags.FlagValues) -> None:
    """Defines the flags."""
    for name, default, words in _TEXTS:
        flags.DEFINE_string(name, default, words, flag_values=values)
    flags.DEFINE_multi_string("input_signature", None, _INPUT_SIGNATURE, flag_values=values)


def read(flag: flags.FlagValues) -> dict[str, Any]:
    """Reads the file and returns the arguments of `DeepExplain`, whose `model` is a `Source`.

    Raises:
        UsageError: An input signature that cannot be read.
        FileNotFoundError: There is no such file.
        ModelError: The file holds no model, or one with code.
        UnknownNameError: The model has no such signature, or the graph no such tensor.
        OptionError: A signature of something that is no SavedModel.
    """
    from deepexplain_tf.graph.sources.source import source_of

    described = {
        "output": parse.name_or_index(flag.output),
        "signature": flag.signature,
        "input_signature": parse.input_signature(flag.input_signature),
    }
    return {"model": source_of(flag.model, **described), "layer": flag.layer, **described}
