"""`deepexplain coverage`: what a method does at each op of the user's model."""

import os

from absl import flags

from deepexplain_tf.cli import progress, quiet, values as parse
from deepexplain_tf.cli.command import COMMANDS, Command

_TEXTS = (
    ("model", None, "A .keras or .h5 file, a SavedModel folder, or a frozen graph (.pb)."),
    ("method", "deeplift", "The attribution method; an unknown name lists those that exist."),
    ("layer", None, "Looks at the ops behind the output of this layer instead of the input."),
    (
        "output",
        "auto",
        """auto (a final softmax or sigmoid is left out), model (as it is), or the name or number of one of
        several outputs; of a frozen graph, the name of a tensor.""",
    ),
    ("signature", None, "The signature of a SavedModel, where it has several."),
)
_SUMMARY = "Prints one line for each type of op instead of one for each op."


@COMMANDS.register("coverage")
class PrintCoverage(Command):
    """Tells whether a method can explain your model, op by op.

    Each op between input and output is exact (a rule replaces its gradient), linear (the gradient is its
    rule), gradient (it keeps its gradient though it is not linear) or refused (the method does not run on it).

        deepexplain coverage --model=cats.keras
        deepexplain coverage --model=exported/ --signature=serve --method=epsilon_lrp --summary
    """

    required = ("model",)

    def define(self, values: flags.FlagValues) -> None:
        for name, default, words in _TEXTS:
            flags.DEFINE_string(name, default, words, flag_values=values)
        flags.DEFINE_boolean("summary", False, _SUMMARY, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        if not os.path.exists(values.model):
            raise FileNotFoundError(f"there is no file {values.model}")
        quiet.start_tensorflow()
        import deepexplain_tf as dx

        output = parse.name_or_index(values.output)
        with (
            progress.bar(1, "reading the model"),
            dx.DeepExplain(values.model, layer=values.layer, output=output, signature=values.signature) as de,
        ):
            coverage = de.coverage(values.method)
        print(coverage.summary() if values.summary else coverage)
