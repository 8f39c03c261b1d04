"""`deepexplain methods`: which methods there are, and a page about each."""

import shutil
from typing import Any

from absl import flags

from deepexplain_tf.cli import quiet
from deepexplain_tf.cli.command import COMMANDS, Command
import deepexplain_tf.writing.table as table

_NAME = "A method, metric or rule that is shown at length: its formula, options, cost, guarantees and papers."
_HEADER = ("method", "complete", "takes", "evaluations", "formula")
_WIDTH = 120  # where no terminal tells


@COMMANDS.register("methods")
class PrintMethods(Command):
    """Lists the methods, or tells about one of them.

    For each method, the table has whether its attributions add up to the change of the output, whether it
    takes a baseline or a set of them, and the evaluations of the model for one example by default.

        deepexplain methods
        deepexplain methods deeplift
    """

    bare = "name"

    def define(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string("name", None, _NAME, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        quiet.start_tensorflow()
        import deepexplain_tf as dx

        if values.name is not None:
            print(dx.describe(values.name))
            return
        width = shutil.get_terminal_size((_WIDTH, 0)).columns
        lines = table.render(_HEADER, [_row(dx.describe(name)) for name in dx.list_methods()], left=len(_HEADER))
        print("\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in lines.splitlines()))


def _row(found: Any) -> tuple[str, ...]:
    complete = "yes" if found.complete else "but for biases" if found.conserves else "–"
    taken = [name for name in ("baseline", "background") if getattr(found, name)]
    several = "many" if found.loops else "1"  # the inputs tell how many
    evaluations = several if found.evaluations is None else f"{found.evaluations:,}"
    return found.name, complete, ", ".join(taken) or "–", evaluations, found.formula
