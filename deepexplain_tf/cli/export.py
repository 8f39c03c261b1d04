"""`deepexplain export`: an explainer of the user's model that leaves Python."""

import os
from typing import Any

from absl import flags

from deepexplain_tf.cli import files, model as models, progress, quiet, values as parse
from deepexplain_tf.cli.command import COMMANDS, Command, UsageError

_TEXTS = (
    ("method", None, parse.METHOD),
    ("out", None, "The folder to write. It appears whole or not at all."),
    (
        "target",
        None,
        """Fixes the output to explain: 7; or an index into several axes, as (4,2); or predicted, the class that the
        model predicts. Without it, the target is an argument of what is exported.""",
    ),
    (
        "baseline",
        None,
        """Fixes what the inputs are compared with: a number, or an .npy or .npz file of one example, in the units of
        the model. Without it, the baseline is an argument of what is exported, where the method has one.""",
    ),
    ("noise", None, parse.NOISE),
    (
        "input",
        None,
        """For stablehlo: an .npy or .npz file of inputs. The program takes their shapes, batch included.""",
    ),
)
_NUMBERS = (
    ("version", "Writes to OUT/VERSION/, as TensorFlow Serving expects it."),
    ("seed", "The seed of the random numbers."),
    ("chunk_size", "The number of model evaluations at a time. It changes memory and time, but no result."),
)
_FORMATS = ("saved_model", "stablehlo")
_WEIGHTS = ("constants", "arguments")
_BOOLEANS: tuple[tuple[str, bool | None, str], ...] = (
    ("overwrite", False, "Replaces an older export."),
    ("jit", None, "Compiles what is exported by XLA; --nojit does not. Without either: where that pays."),
)


@COMMANDS.register("export")
class Export(Command):
    """Writes an explainer of your model that runs without this library.

    Writes into the folder --out a SavedModel with the signatures explain and predict, which TensorFlow runs
    without Keras; or a StableHLO program of fixed shapes for any runtime of XLA. A JSON file beside it tells what
    the explainer takes and returns.

        deepexplain export --model=cats.keras --method=deeplift --out=served/cats --version=1
        deepexplain export --model=cats.keras --method=ig --format=stablehlo --input=cats.npy --out=cats_xla
    """

    required = ("model", "method", "out")

    def define(self, values: flags.FlagValues) -> None:
        models.define(values)
        for name, default, words in _TEXTS:
            flags.DEFINE_string(name, default, words, flag_values=values)
        flags.DEFINE_multi_string("option", [], parse.OPTION, flag_values=values)
        for name, words in _NUMBERS:
            flags.DEFINE_integer(name, None, words, flag_values=values)
        flags.DEFINE_enum("format", "saved_model", _FORMATS, "The format of what is exported.", flag_values=values)
        words = "For stablehlo: constants puts the weights into the program, arguments into a file beside it."
        flags.DEFINE_enum("weights", None, _WEIGHTS, words, flag_values=values)
        for name, given, words in _BOOLEANS:
            flags.DEFINE_boolean(name, given, words, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        if values.format != "stablehlo" and (values.input or values.weights):
            raise UsageError("--input and --weights are for --format=stablehlo.")
        if values.format == "stablehlo" and not values.input:
            raise UsageError("--format=stablehlo needs --input.")
        fixed = _fixed(values)
        files.require_files(values.model)
        given = {"inputs": values.input and files.read_arrays(values.input), "weights": values.weights}
        quiet.start_tensorflow()
        import deepexplain_tf as dx

        jit = "auto" if values.jit is None else values.jit
        with progress.bar(1, "exporting"), dx.DeepExplain(**models.read(values), jit_compile=jit) as de:
            explainer = de.explainer(values.method, **fixed)
            options = {name: value for name, value in given.items() if value is not None}
            place = {"version": values.version, "overwrite": values.overwrite}
            explainer.export(values.out, format=values.format, **place, **options)
        print(f"wrote {values.out if values.version is None else os.path.join(values.out, str(values.version))}")


def _fixed(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns the arguments of the explainer that are the same for every call."""
    found: dict[str, Any] = parse.options(flag.option)
    for name in ("seed", "chunk_size"):
        if getattr(flag, name) is not None:
            found[name] = getattr(flag, name)
    if flag.noise is not None:
        found["noise"] = parse.noise(flag.noise)
    if flag.target is not None:
        found["target"] = None if flag.target == "predicted" else parse.target(flag.target)
    if flag.baseline is not None:
        number = parse.number(flag.baseline)
        found["baseline"] = files.read_arrays(flag.baseline) if number is None else number
    return found
