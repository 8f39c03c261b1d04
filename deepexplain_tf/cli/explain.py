"""`deepexplain explain`: the user's own model and inputs."""

import pathlib
import sys
from typing import Any

from absl import flags

from deepexplain_tf.cli import files, inputs, model as models, output, progress, quiet, results, values as parse
from deepexplain_tf.cli.command import COMMANDS, Command

_OUT = "The folder to write to. It is made if it is missing."


@COMMANDS.register("explain")
class Explain(Command):
    """Explains what your model says about your pictures or arrays.

    Writes explanation.npz, which deepexplain_tf.load reads, and one PNG file for each example into the
    folder --out.

        deepexplain explain --model=cats.keras --input=photos/ --preprocess=unit --method=deeplift --out=why
        deepexplain explain --model=text.keras --input=tokens.npy --layer=embedding --out=why
        deepexplain explain --model=frozen.pb --output=logits --input=digits.npy --out=why
    """

    required = ("model", "input", "out")

    def define(self, values: flags.FlagValues) -> None:
        models.define(values)
        inputs.define(values)
        flags.DEFINE_string("out", None, _OUT, flag_values=values)
        flags.DEFINE_string("method", "integrated_gradients", parse.METHOD, flag_values=values)
        flags.DEFINE_multi_string("option", [], parse.OPTION, flag_values=values)
        flags.DEFINE_string("noise", None, parse.NOISE, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        target, options = parse.target(values.target), parse.options(values.option)
        options["noise"] = parse.noise(values.noise)
        files.require_files(values.model, values.input)
        with output.staged(values.out) as stage:
            quiet.start_tensorflow()
            names = _explain(values, target, options, stage)
        print("\n".join(["", *(f"wrote {pathlib.Path(values.out, name)}" for name in names)]))


def _explain(flag: flags.FlagValues, target: parse.Target, options: dict[str, Any], stage: pathlib.Path) -> list[str]:
    """Does the work, and returns the names of the files written to the folder `stage`."""
    import deepexplain_tf as dx

    model, examples, baseline = inputs.read(flag)
    with dx.DeepExplain(**model) as de:
        explanation = de.explain(
            flag.method,
            examples.inputs,
            target=target,
            baseline=baseline,
            progress=sys.stderr.isatty(),
            **inputs.sizes(flag),
            **options,
        )
    names = results.names(explanation, examples)
    print(results.text(explanation, names))
    explanation.save(stage / "explanation.npz")
    with progress.bar(len(names), "drawing") as step:
        drawn = results.draw(explanation, examples, names, stage, step, sequence=flag.layer is not None)
    return ["explanation.npz", *drawn]
