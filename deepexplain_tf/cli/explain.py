"""`deepexplain explain`: the user's own model and inputs."""

import os
import pathlib
from typing import Any

from absl import flags

from deepexplain_tf.cli import inputs, model as models, output, progress, quiet, report, values as parse
from deepexplain_tf.cli.command import COMMANDS, Command

_TEXTS = (
    ("model", None, "A .keras or .h5 file."),
    (
        "input",
        None,
        """A .png or .jpg file or a folder of them, stretched to the size that the model takes; or an .npy
        file [batch, …]; or an .npz file with one array for each input of the model, by its name.""",
    ),
    ("out", None, "The folder to write to; made if it is missing."),
    ("method", "integrated_gradients", "The attribution method; an unknown name lists those that exist."),
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
)
_MEMORY = ("max_memory", None, "What the work may need beside the model, as 2GiB; chooses --chunk_size by an estimate.")
_OPTION = "An option of the method as name=value, as n_steps=128, where an .npy file is an array"
_NUMBERS = (
    ("batch_size", "Examples at a time; changes memory and time, no number."),
    ("chunk_size", "Evaluations of the model at a time; changes memory and time, no number."),
    ("seed", "For methods that draw random numbers."),
)


@COMMANDS.register("explain")
class Explain(Command):
    """Explains a Keras model of yours on your pictures or arrays.

    Writes explanation.npz, which deepexplain_tf.load reads, and one PNG file for each example into the
    folder --out.

        deepexplain explain --model=cats.keras --input=photos/ --preprocess=unit --method=deeplift --out=why
        deepexplain explain --model=text.keras --input=tokens.npy --layer=embedding --out=why
    """

    required = ("model", "input", "out")

    def define(self, values: flags.FlagValues) -> None:
        for name, default, words in (*_TEXTS, _MEMORY):
            flags.DEFINE_string(name, default, words, flag_values=values)
        flags.DEFINE_multi_string("option", [], _OPTION, flag_values=values)
        for name, words in _NUMBERS:
            flags.DEFINE_integer(name, None, words, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        target, options = parse.target(values.target), parse.options(values.option)
        for path in (values.model, values.input):
            if not os.path.exists(path):
                raise FileNotFoundError(f"there is no file {path}")
        with output.staged(values.out) as stage:
            quiet.start_tensorflow()
            names = _explain(values, target, options, stage)
        print("\n".join(["", *(f"wrote {pathlib.Path(values.out, name)}" for name in names)]))


def _explain(flag: flags.FlagValues, target: parse.Target, options: dict[str, Any], stage: pathlib.Path) -> list[str]:
    """Does the work, and returns the names of the files written to the folder `stage`."""
    import deepexplain_tf as dx

    with progress.bar(1, "reading the model and the inputs"):
        model = models.load(flag.model)
        reader = inputs.Reader(model, flag.preprocess)
        examples, baseline = reader.examples(flag.input), reader.baseline(flag.baseline)
    with dx.DeepExplain(model, output=parse.name_or_index(flag.output), layer=flag.layer) as de:
        explanation = de.explain(
            flag.method,
            examples.inputs,
            target=target,
            baseline=baseline,
            batch_size=flag.batch_size,
            chunk_size=flag.chunk_size,
            max_memory=flag.max_memory,
            seed=flag.seed,
            progress=True,
            **options,
        )
    names = report.names(explanation, examples)
    print(report.text(explanation, names))
    explanation.save(stage / "explanation.npz")
    with progress.bar(len(names), "drawing") as bar:
        drawn = report.draw(explanation, examples, names, stage, bar, sequence=flag.layer is not None)
    return ["explanation.npz", *drawn]
