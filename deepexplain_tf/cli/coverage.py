"""`deepexplain coverage`: what a method does at each op of the user's model."""

from absl import flags

from deepexplain_tf.cli import any_model, progress, quiet
from deepexplain_tf.cli.command import COMMANDS, Command

_TEXTS = (
    ("method", "deeplift", "The attribution method; an unknown name lists those that exist."),
    ("layer", None, "Looks at the ops behind the output of this layer instead of the input."),
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
        any_model.define(values)
        for name, default, words in _TEXTS:
            flags.DEFINE_string(name, default, words, flag_values=values)
        flags.DEFINE_boolean("summary", False, _SUMMARY, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        model = any_model.read(values)
        quiet.start_tensorflow()
        import deepexplain_tf as dx

        with progress.bar(1, "reading the model"), dx.DeepExplain(**model, layer=values.layer) as de:
            coverage = de.coverage(values.method)
        print(coverage.summary() if values.summary else coverage)
