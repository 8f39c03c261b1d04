"""The flags that name a model of any kind that can be traced, and which of its outputs is looked at."""

from typing import Any

from absl import flags

from deepexplain_tf.cli import files, values as parse

_TEXTS = (
    ("model", None, "A .keras or .h5 file, a SavedModel folder, or a frozen graph (.pb)."),
    (
        "output",
        "auto",
        """auto (a final softmax or sigmoid is left out), model (as it is), or the name or number of one of
        several outputs; of a frozen graph, the name of a tensor.""",
    ),
    ("signature", None, "The signature of a SavedModel, where it has several."),
)


def define(values: flags.FlagValues) -> None:
    """Defines the flags."""
    for name, default, words in _TEXTS:
        flags.DEFINE_string(name, default, words, flag_values=values)


def read(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns the arguments of `DeepExplain`; FileNotFoundError where the model is missing."""
    files.require_files(flag.model)
    return {"model": flag.model, "output": parse.name_or_index(flag.output), "signature": flag.signature}
