"""`deepexplain coverage`: what a method does at each op of the user's model."""

from absl import flags

from deepexplain_tf.cli import files, model as models, progress, quiet, values as parse
from deepexplain_tf.cli.command import COMMANDS, Command

_SUMMARY = "Prints one line for each type of op instead of one for each op."


@COMMANDS.register("coverage")
class PrintCoverage(Command):
    """Tells whether a method can explain your model, op by op.

    Gives a verdict on each op between input and output: exact (a rule replaces its gradient), linear (the
    gradient is its rule), gradient (it keeps its gradient though it is not linear) or refused (the method cannot
    explain it).

        deepexplain coverage --model=cats.keras
        deepexplain coverage --model=exported/ --signature=serve --method=epsilon_lrp --summary
        deepexplain coverage --model=frozen.pb --output=logits
        deepexplain coverage --model=cats.keras --option=rule=reveal_cancel
    """

    required = ("model",)

    def define(self, values: flags.FlagValues) -> None:
        models.define(values)
        flags.DEFINE_string("method", "deeplift", parse.METHOD, flag_values=values)
        flags.DEFINE_multi_string("option", [], parse.OPTION, flag_values=values)
        flags.DEFINE_boolean("summary", False, _SUMMARY, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        files.require_files(values.model)
        options = parse.options(values.option)
        quiet.start_tensorflow()
        import deepexplain_tf as dx

        with progress.bar(1, "reading the model"), dx.DeepExplain(**models.read(values)) as de:
            coverage = de.coverage(values.method, **options)
        print(coverage.summary() if values.summary else coverage)
