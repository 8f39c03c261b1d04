"""`deepexplain batch`: every example of a data set, into a folder of shards."""

import contextlib
import sys
import time
from typing import Any

from absl import flags

from deepexplain_tf.cli import files, inputs, model as models, quiet, values as parse
from deepexplain_tf.cli.command import COMMANDS, Command, UsageError
from deepexplain_tf.errors import DeepExplainError

_EVERY = 30.0  # seconds between two lines of a log
_TEXTS = (
    (
        "explainer",
        None,
        "A SavedModel that deepexplain export wrote, in the place of --model and of what describes the method.",
    ),
    (
        "out",
        None,
        """The folder to write to. It is made if it is missing; the same command goes on in it where an earlier one has
        stopped.""",
    ),
    ("format", None, "parquet or npz. Without it: parquet where pyarrow is installed."),
)
_NUMBERS = (
    (
        "shard_size",
        """The number of examples in a shard, a multiple of --batch_size (128 without it). Without it: as many as 64 MiB
        hold.""",
    ),
    (
        "max_rejected",
        """How many bad examples may be set aside. Without it: any number, but not all of the first batch.""",
    ),
)
_ENGINE = """ray: by actors of Ray, which load an exported --explainer and need --shard_size. What one engine has begun
the other one may end."""
_ACTORS = "With --engine=ray: the number of actors. Without it: 1."
_FEATURE = """An input in TFRecord files as NAME:DTYPE[SHAPE], as x:float32[28,28,1]"""
_COLUMNS = "The columns of Parquet files that are the only input, separated by commas. Without it: all."
_OF_MODEL = ("output", "signature", "layer", "input_signature", "noise", "option", "baseline", "chunk_size")


@COMMANDS.register("batch")
class Batch(Command):
    """Explains a whole data set, and goes on where it was interrupted.

    Writes shards of Parquet or .npz files and manifest.json into the folder --out. Bad examples stand with
    the reason in rejected-*.jsonl. Memory does not grow with the number of examples.

        deepexplain batch --model=cats.keras --input=photos/ --preprocess=unit --method=deeplift --out=why
        deepexplain batch --explainer=served/1 --input=rows.parquet --target=2 --out=why
        deepexplain batch --model=digits.keras --input=records/ --feature=image:float32[28,28,1] --out=why
    """

    required = ("input", "out")

    def define(self, values: flags.FlagValues) -> None:
        models.define(values)
        inputs.define(values)
        for name, default, words in _TEXTS:
            flags.DEFINE_string(name, default, words, flag_values=values)
        for name, words in _NUMBERS:
            flags.DEFINE_integer(name, None, words, flag_values=values)
        flags.DEFINE_multi_string("feature", [], _FEATURE, flag_values=values)
        flags.DEFINE_list("columns", None, _COLUMNS, flag_values=values)
        flags.DEFINE_enum("engine", "local", ["local", "ray"], _ENGINE, flag_values=values)
        flags.DEFINE_integer("actors", None, _ACTORS, lower_bound=1, flag_values=values)
        flags.DEFINE_string("method", "integrated_gradients", parse.METHOD, flag_values=values)
        flags.DEFINE_multi_string("option", [], parse.OPTION, flag_values=values)
        flags.DEFINE_string("noise", None, parse.NOISE, flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        _require_one(values)
        target, options = parse.target(values.target), parse.options(values.option)
        options["noise"] = parse.noise(values.noise)
        files.require_files(values.model or values.explainer, values.input)
        quiet.start_tensorflow()
        _explain(values, target, options)


def _require_one(flag: flags.FlagValues) -> None:
    """Raises UsageError unless there is one of a model and an explainer, with what is for it and for the engine."""
    if (flag.model is None) == (flag.explainer is None):
        raise UsageError("batch needs one of --model and --explainer.")
    given = [name for name in (*_OF_MODEL, "method", "seed", "max_memory") if flag[name].value != flag[name].default]
    if flag.explainer is not None and given:
        raise UsageError(f"--{given[0]} is part of an exported explainer; it is given with --model.")
    if flag.engine == "ray" and flag.explainer is None:
        raise UsageError("--engine=ray loads an exported explainer in each actor: --explainer in the place of --model.")
    if flag.actors is not None and flag.engine != "ray":
        raise UsageError("--actors is for --engine=ray.")


def _explain(flag: flags.FlagValues, target: parse.Target, options: dict[str, Any]) -> None:
    import deepexplain_tf as dx

    reading = _reading(flag)
    sizes = {name: flag[name].value for name in ("batch_size", "shard_size") if flag[name].value is not None}
    more: dict[str, Any] = {"format": flag.format, "max_rejected": flag.max_rejected, "engine": flag.engine, **sizes}
    if flag.actors is not None:
        more["resources"] = {"concurrency": flag.actors}
    if flag.model is None:
        more["target"] = target
    explainer = flag.explainer if flag.model is None else _explainer(flag, target, options)
    try:
        with _shown() as progress:
            found = dx.explain_dataset(explainer, flag.input, flag.out, progress=progress, **more, **reading)
    except KeyboardInterrupt:
        raise DeepExplainError(
            f"interrupted; shards that are whole stay in {flag.out}, and the same command goes on there."
        ) from None
    if found.already:
        print("the data set was finished before; nothing was done.")
    rejected = f", {found.rejected} set aside" if found.rejected else ""
    print(f"{found.rows} examples explained{rejected}: {len(found.files)} shards in {found.folder}")


def _explainer(flag: flags.FlagValues, target: parse.Target, options: dict[str, Any]) -> Any:
    """Returns the explainer of a model, which takes any batch."""
    import deepexplain_tf as dx

    model = models.read(flag)
    baseline = inputs.Reader(model["model"].specs, **inputs.picture_options(flag)).baseline(flag.baseline)
    with dx.DeepExplain(**model) as de:
        return de.explainer(flag.method, target=target, baseline=baseline, **inputs.sizes(flag), **options)


def _reading(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns the options of the source; those that have their default are left out, since not each source has them."""
    import tensorflow as tf

    found = {n: v for n, v in inputs.picture_options(flag).items() if flag[n].value != flag[n].default}
    if flag.columns is not None:
        found["columns"] = flag.columns
    if flag.feature:
        specs = parse.input_signature(flag.feature, "--feature")
        found["features"] = {spec.name: tf.io.FixedLenFeature(spec.shape, spec.dtype) for spec in specs or []}
    return found


@contextlib.contextmanager
def _shown() -> Any:
    """Yields what shows the rows that are done: a bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        yield True
        return
    begun, told = time.monotonic(), time.monotonic()
    start: int | None = None

    def tell(done: int, total: int | None) -> None:
        nonlocal told, start
        start = done if start is None else start
        now = time.monotonic()
        if now - told >= _EVERY:
            told = now
            print(line(done, total, (done - start) / (now - begun)), file=sys.stderr, flush=True)

    yield tell


def line(done: int, total: int | None, rate: float) -> str:
    """Returns a line of a log.

    Args:
        done: The number of examples that are done.
        total: The number of all of them; None if it is not known.
        rate: Examples a second.
    """
    whole = "" if total is None else f" of {total}"
    left = "" if total is None or not rate else f", {(total - done) / rate:.0f} s left"
    return f"batch: {done}{whole} examples, {rate:.0f} a second{left}"
