"""`deepexplain report`: saved explanations as a page for a browser."""

import pathlib

from absl import flags

from deepexplain_tf.cli import files, quiet
from deepexplain_tf.cli.command import COMMANDS, Command, UsageError
from deepexplain_tf.errors import InputError

_INPUT = """The files that deepexplain explain or Explanation.save wrote, of the same examples, as a.npz,b.npz. Each
    is a tab, under the name of its method."""
_IMAGES = "A picture or a folder of them, shown in the place of the inputs, in the order of the examples."


@COMMANDS.register("report")
class Report(Command):
    """Makes one HTML file of saved explanations, which needs no network.

    Each example has its input, the numbers that judge the explanation, and a tab for each file: maps
    over the picture with values under the pointer, coloured words, or bars.

        deepexplain report --input=why/explanation.npz --out=why.html
        deepexplain report --input=ig.npz,deeplift.npz --images=photos/ --out=both.html
    """

    required = ("input", "out")

    def define(self, values: flags.FlagValues) -> None:
        flags.DEFINE_list("input", None, _INPUT, flag_values=values)
        flags.DEFINE_string("out", None, "The HTML file to write.", flag_values=values)
        flags.DEFINE_string("images", None, _IMAGES, flag_values=values)
        flags.DEFINE_string("title", "What made the model say that?", "The title of the page.", flag_values=values)
        flags.DEFINE_integer("most", 50, "The number of examples at most, the first ones.", flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        if values.most < 1:
            raise UsageError(f"--most must be at least 1. Got {values.most}.")
        files.require_files(*values.input)
        quiet.start_tensorflow()
        import deepexplain_tf as dx
        from deepexplain_tf.arguments.pictures import files_of, read_pictures
        from deepexplain_tf.explanation.report import write_report

        found = {}
        for path in values.input:
            e = dx.load(path)
            found[e.method if e.method not in found else f"{e.method} ({pathlib.Path(path).stem})"] = e
        images = None
        if values.images:
            first = next(iter(found.values()))
            shape = getattr(first.inputs, "shape", ())
            if len(shape) != 4:
                raise InputError(f"--images are shown in the place of inputs that are pictures. Got {list(shape)}.")
            images = read_pictures(files_of(values.images), (*shape[1:3], 3)).astype("uint8")
        options = {"title": values.title, "most": values.most}
        write_report(found, values.out, images=images, provenance={"files": ", ".join(values.input)}, **options)
        print(f"wrote {values.out}")
