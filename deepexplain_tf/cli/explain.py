"""`deepexplain explain`: the user's own model and inputs."""

import dataclasses
import pathlib
import sys
from typing import Any

from absl import flags

from deepexplain_tf.cli import (
    files,
    inputs,
    model as models,
    names as naming,
    output,
    progress,
    quiet,
    results,
    tables,
    values as parse,
)
from deepexplain_tf.cli.command import COMMANDS, Command

_OUT = "The folder to write to. It is made if it is missing."
_TABLES = "Writes the numbers as explanation.csv or explanation.json too."
_REPORT = "Writes report.html too, a page about all examples that needs no network."


@COMMANDS.register("explain")
class Explain(Command):
    """Explains what your model says about your pictures or arrays.

    Writes explanation.npz, which deepexplain_tf.load reads, and one PNG file for each example into the
    folder --out: maps of pictures, bars of a table, lines over time, coloured words.

        deepexplain explain --model=cats.keras --input=photos/ --preprocess=unit --method=deeplift --out=why
        deepexplain explain --model=text.keras --input=tokens.npy --layer=embedding --out=why
        deepexplain explain --model=census.keras --input=rows.csv --method=kernel_shap --tables=csv --out=why
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
        naming.define(values)
        flags.DEFINE_multi_enum("tables", [], tables.FORMATS, _TABLES, flag_values=values)
        flags.DEFINE_boolean("report", False, _REPORT, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        target, options = parse.target(values.target), parse.options(values.option)
        options["noise"] = parse.noise(values.noise)
        files.require_files(values.model, values.input)
        with output.staged(values.out) as stage:
            quiet.start_tensorflow()
            names = _explain(values, target, {**options, **naming.read(values)}, stage)
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
    written = tables.write(explanation, flag.tables, stage)
    if flag.report:
        named = dataclasses.replace(explanation, example_names=tuple(names))
        named.report(stage / "report.html", images=examples.pictures, provenance={"model": flag.model})
        written.append("report.html")
    with progress.bar(len(names), "drawing") as step:
        drawn = results.draw(explanation, examples, names, stage, step, sequence=flag.layer is not None)
    return ["explanation.npz", *written, *drawn]
