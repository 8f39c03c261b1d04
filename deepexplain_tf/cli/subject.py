"""The flags that name a model, its inputs, and what of it is explained; the same for all commands that explain."""

from typing import Any

from absl import flags

from deepexplain_tf.cli import inputs, model as models, progress, values as parse

_TEXTS = (
    ("model", None, "A .keras or .h5 file."),
    (
        "input",
        None,
        """A .png or .jpg file or a folder of them, stretched to the size that the model takes; or an .npy
        file [batch, …]; or an .npz file with one array for each input of the model, by its name.""",
    ),
    (
        "target",
        None,
        """The output to explain: 7, or one for each example, as 3,8, or an index into several axes, as
        (4,2). Without it, the class that the model predicts.""",
    ),
    (
        "baseline",
        None,
        """What the inputs are compared with: a number or an .npy or .npz file, in the units of the model; or
        a picture, treated as those of --input. Without it zeros, for methods that have a baseline.""",
    ),
    ("layer", None, "Explains the output of this layer instead of the input, as the embedding of a text."),
    (
        "output",
        "auto",
        """auto (a final softmax or sigmoid is left out), model (as it is), or the name or number of one of
        several outputs.""",
    ),
    (
        "preprocess",
        "none",
        """What pictures need before the model: none (0..255), unit (0..1), symmetric (-1..1), or MEAN,SCALE
        for (pixel - MEAN) / SCALE.""",
    ),
    ("max_memory", None, "What the work may need beside the model, as 2GiB; chooses --chunk_size by an estimate."),
)
_NUMBERS = (
    ("batch_size", "Examples at a time; changes memory and time, no number."),
    ("chunk_size", "Evaluations of the model at a time; changes memory and time, no number."),
    ("seed", "For what is drawn at random."),
)


def define(values: flags.FlagValues) -> None:
    """Defines the flags."""
    for name, default, words in _TEXTS:
        flags.DEFINE_string(name, default, words, flag_values=values)
    for name, words in _NUMBERS:
        flags.DEFINE_integer(name, None, words, flag_values=values)


def read(flag: flags.FlagValues) -> tuple[Any, inputs.Examples, Any]:
    """Returns the model, the examples and the baseline."""
    with progress.bar(1, "reading the model and the inputs"):
        model = models.load(flag.model)
        reader = inputs.Reader(model, flag.preprocess)
        return model, reader.examples(flag.input), reader.baseline(flag.baseline)


def model_options(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns the arguments of `DeepExplain`."""
    return {"output": parse.name_or_index(flag.output), "layer": flag.layer}


def sizes(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns how much is done at once, and the seed."""
    return {name: flag[name].value for name in ("batch_size", "chunk_size", "max_memory", "seed")}
