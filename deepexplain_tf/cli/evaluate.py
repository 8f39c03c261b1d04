"""`deepexplain evaluate`: methods by metrics, on the user's own model and inputs."""

import pathlib
import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from deepexplain_tf.cli import files, inputs, model as models, output, quiet, values as parse
from deepexplain_tf.cli.command import COMMANDS, Command, UsageError
from deepexplain_tf.errors import DeepExplainError, closest

if TYPE_CHECKING:
    from deepexplain_tf.comparison import Comparison

_FIGURE = "sensitivity_n.png"
_TEXTS = (
    ("out", None, "The folder to write to. It is made if it is missing."),
    (
        "groups",
        None,
        """What a feature is: elements, positions (all channels of a pixel, the embedding of a word), or an .npy
        file of whole numbers shaped like one example: elements with the same number are one feature. Without it:
        elements.""",
    ),
)
_LISTS = (
    ("methods", "The attribution methods, separated by commas. An unknown name lists those that exist."),
    ("metrics", "The metrics, separated by commas. An unknown name lists those that exist."),
)
_SUBSETS = "The number of random sets of features for each n of Sensitivity-n."
_OPTION = "An option of a method or metric as NAME.option=value, as integrated_gradients.n_steps=128"
_OVERWRITE = "Replaces the results in --out."


@COMMANDS.register("evaluate")
class Evaluate(Command):
    """Scores attribution methods on your model and examples.

    Prints a table of methods by metrics, and writes results.json, results.csv and, where matplotlib is
    installed (pip install 'deepexplain_tf[plots]'), sensitivity_n.png into the folder --out.

        deepexplain evaluate --model=digits.keras --input=digits.npy --out=scores
        deepexplain evaluate --model=cats.keras --input=photos/ --preprocess=unit --groups=positions
            --methods=deeplift,occlusion --option=occlusion.window_shape=(16,16,3)
            --metrics=sensitivity_n,deletion --seed=0 --out=scores
    """

    required = ("model", "input", "out")

    def define(self, values: flags.FlagValues) -> None:
        models.define(values)
        inputs.define(values)
        flags.DEFINE_alias("inputs", "input", flag_values=values)
        for name, default, words in _TEXTS:
            flags.DEFINE_string(name, default, words, flag_values=values)
        for name, words in _LISTS:
            flags.DEFINE_list(name, None, words, flag_values=values)
        flags.DEFINE_integer("subsets", None, _SUBSETS, flag_values=values)
        flags.DEFINE_multi_string("option", [], _OPTION, flag_values=values)
        flags.DEFINE_boolean("overwrite", False, _OVERWRITE, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        arguments = {"target": parse.target(values.target), "groups": parse.array_or_text(values.groups)}
        options = parse.options_by_owner(values.option)
        files.require_files(values.model, values.input)
        output.require_free(values.out, values.overwrite)
        with output.staged(values.out) as stage:
            quiet.start_tensorflow()
            requests = _requests(values, options)  # a name that does not exist is known before a model is read
            comparison = _compared(values, {**arguments, **requests})
            print(comparison)
            missing = _written(comparison, stage)
            names = sorted(file.name for file in stage.iterdir())
        if _FIGURE not in names:
            pathlib.Path(values.out, _FIGURE).unlink(missing_ok=True)  # of an older run
        print("\n".join(["", *(f"wrote {pathlib.Path(values.out, name)}" for name in names), *missing]))


def _requests(flag: flags.FlagValues, options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns the methods and metrics with their options, checked."""
    from deepexplain_tf.comparison import METHODS, METRICS
    from deepexplain_tf.comparison.requests import read_methods, read_metrics

    methods, metrics = list(flag.methods or METHODS), list(flag.metrics or METRICS)
    if flag.subsets is not None:
        if "sensitivity_n" not in metrics:
            raise UsageError("--subsets is for the metric sensitivity_n, which is not among --metrics.")
        if "subsets" in options.setdefault("sensitivity_n", {}):
            raise UsageError("the subsets are given twice, by --subsets and by --option.")
        options["sensitivity_n"]["subsets"] = flag.subsets
    for owner in options:
        if owner not in (*methods, *metrics):
            raise UsageError(
                f"--option names a method or metric of this comparison. Got {owner!r}; "
                f"{closest(owner, [*methods, *metrics])}."
            )
    found = {
        "methods": [(name, options.get(name, {})) for name in methods],
        "metrics": [(name, options.get(name, {})) for name in metrics],
    }
    read_methods(found["methods"]), read_metrics(found["metrics"])
    return found


def _compared(flag: flags.FlagValues, arguments: dict[str, Any]) -> "Comparison":
    import deepexplain_tf as dx

    model, examples, baseline = inputs.read(flag)
    return dx.compare(
        inputs=examples.inputs,
        baseline=baseline,
        progress=sys.stderr.isatty(),
        **arguments,
        **inputs.sizes(flag),
        **model,
    )


def _written(comparison: "Comparison", folder: pathlib.Path) -> list[str]:
    """Writes the files, and returns why one is missing."""
    comparison.to_json(folder / "results.json")
    comparison.to_csv(folder / "results.csv")
    if not comparison.curves:
        return []
    try:
        comparison.plot(folder / _FIGURE)
    except DeepExplainError as error:
        return [f"no {_FIGURE}: {error}"]
    return []
