"""How fast are Integrated Gradients, and methods of a single backward pass, relative to their bare gradients?

    python examples/benchmark.py --flagfile=configs/benchmark.cfg --table=examples/benchmark.md
    python examples/benchmark.py --flagfile=configs/benchmark_quick.cfg
    python examples/benchmark.py --works=tabular_mlp --peers=xplique,saliency --out=benchmark.json

This script compares the library with its default settings to the *floor*: the same gradients in a `tf.function` written
by hand, with and without XLA, each with the chunk size that is fastest in a short trial; the faster of both is the
floor. The first table is that of Integrated Gradients, with a row for each work (a model with a batch):

  ours, floor ms   the median milliseconds of calls in turn (ours, floor, ours, …), after a first call of each
  floor            the floor's setting: XLA or plain, gradients at once
  ratio            the median over the pairs of calls of our time to the floor's
  plain, XLA ratio the same to each of both
  ours, floor MB   the largest growth of the resident memory, in fresh processes, both with the floor's chunks
  growth MB        the growth with all steps less that with a tenth of them, which fills the chunks, in fresh processes
  ours, floor s    the seconds of the first call in a fresh process, from the model to the attributions, including
                   tracing and compilation; the floor's chunks are those with the fastest first call
  difference       ‖ours − floor‖ / ‖floor‖ of the attributions; large for large networks with kinks, where the
                   difference from float64 is large too: rounding decides on which side of a kink a unit lies
  difference 64    the same for the small version of the work in float64; more than 1e-10 is an error
  reached          whether the named figures are within their limits, for works at full size

A second table has methods of a single backward pass for the same batch, beside one gradient of it; a third has
Integrated Gradients by other libraries, where they are installed and take the model.

The exit code is 1 where the attributions differ.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import itertools
import os

from absl import app, flags
import numpy as np
import tensorflow as tf

from benchmark_works.base import Sizes, Subject
from benchmark_works.floor import Setting, divided, floor
from benchmark_works.measure import best, build, difference, even, exact_difference, first_calls, growth, memory, ours
from benchmark_works.one_gradient import one_gradient
from benchmark_works.peers import PEERS
from benchmark_works.report import print_tables, report
from benchmark_works.row import Row
from benchmark_works.works import WORKS
from choices import require_known
from deepexplain_tf.errors import brief
from interleaved import Pairs
from keras_state import forget
from results import versions, write, write_json

_FURTHER = ("gradient", "memory", "first")
_KINDS = {"plain": "no", "XLA": "yes"}  # of floors → their names for --xla
_WORKS = flags.DEFINE_list("works", list(WORKS), "The works to measure.")
_MEASURES = flags.DEFINE_list(
    "measures",
    ["gradient", "memory", "first"],
    "Further: gradient (one backward pass), memory, first (the first call).",
)
_REPEATS = flags.DEFINE_integer("repeats", 5, "The number of pairs of calls that are timed.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 600.0, "The seconds for each work after which no new pair of calls begins.")
_QUICK = flags.DEFINE_bool("quick", False, "Whether to measure the small version of each work.")
_SIZE = flags.DEFINE_integer("size", None, "The pictures' height and width for ResNet50.", lower_bound=32)
_CHUNKS = flags.DEFINE_list("chunks", None, "Chunk sizes to try for the floor; 0 is the batch. Default: the work's.")
_XLA = flags.DEFINE_list("xla", ["no", "yes"], "Whether to try the floor with XLA: no, yes, or both.")
_OUR_CHUNKS = flags.DEFINE_list("our_chunks", None, "Chunk sizes to try for the library. Default: its own choice.")
_OUR_XLA = flags.DEFINE_enum("our_xla", "auto", ["auto", "no", "yes"], "The library's jit_compile.")
_PEERS = flags.DEFINE_list("peers", [], f"Other libraries to measure: {', '.join(PEERS)}.")
_OUT = flags.DEFINE_string("out", None, "A JSON file to write with all figures.")
_TABLE = flags.DEFINE_string("table", None, "A Markdown file to write with the tables.")

_MOST_DIFFERENT = 1e-10  # in float64


def _floors(subject: Subject, chunks: Sequence[int]) -> dict[str, list[Setting]]:
    """Returns the floor's settings to try, for each kind."""
    sizes = even(subject, [int(chunk) for chunk in _CHUNKS.value or chunks])
    kinds = {"plain": "no", "XLA": "yes"}
    return {
        kind: [Setting(flag == "yes", chunk) for chunk in sizes] for kind, flag in kinds.items() if flag in _XLA.value
    }


def _measure(name: str, sizes: Sizes) -> Row:
    work = WORKS[name]
    row = Row(name, {} if sizes != Sizes() else dict(work.limits))
    if work.missing:
        row.missing = ", ".join(work.missing)
        return row
    subject = build(name, sizes)
    row.inputs, row.steps = "×".join(map(str, subject.x.shape)), subject.steps
    xla: bool | str = "auto" if _OUR_XLA.value == "auto" else _OUR_XLA.value == "yes"
    own = best("ours", subject, [Setting(xla, int(chunk)) for chunk in _OUR_CHUNKS.value or ()] or [Setting(xla)])
    floors = _floors(subject, work.chunks)
    bare = _time(row, subject, own, {kind: best("floor", subject, settings) for kind, settings in floors.items()})
    few = 3 * divided(len(subject.x), row.steps, bare.chunk or 1)[1]
    if "gradient" in _MEASURES.value and work.single is not None:
        limits = {} if sizes != Sizes() else work.single
        row.gradients = one_gradient(name, subject, list(floors), limits, _REPEATS.value, _SECONDS.value)
    del subject
    forget()
    row.add({"difference 64": exact_difference(name, own, bare)})
    forget()
    if "memory" in _MEASURES.value:
        row.add(memory(name, sizes, own, bare, few))
        if work.growth:
            row.add(growth(name, sizes, own, row.steps))
    if "first" in _MEASURES.value and work.first_call:
        figures, first = first_calls(name, sizes, own, [*itertools.chain(*floors.values())], row.steps, _REPEATS.value)
        row.add(figures)
        row.first_floor = str(first)
    return row


def _time(row: Row, subject: Subject, own: Setting, floors: Mapping[str, Setting]) -> Setting:
    """Times the library in turn with each floor and peer, and compares the attributions; returns the fastest floor."""
    library = ours(subject, own)
    found = library(row.steps)
    timed: dict[str, dict[str, float]] = {}
    expected: dict[str, np.ndarray] = {}
    for kind, setting in floors.items():
        by_hand = floor(subject, setting)
        expected[kind] = by_hand(row.steps)
        apart = difference(found, expected[kind])
        pairs = Pairs(lambda: library(row.steps), functools.partial(by_hand, row.steps), _REPEATS.value, _SECONDS.value)
        own_ms, bare_ms = pairs.milliseconds
        timed[kind] = {"ours ms": own_ms, "floor ms": bare_ms, "ratio": pairs.ratio, "difference": apart}
        row.add({f"{kind} ratio": pairs.ratio})
    fastest = min(timed, key=lambda kind: timed[kind]["floor ms"])
    row.add(timed[fastest])
    row.ours, row.floor = str(own), str(floors[fastest])
    for name in _PEERS.value:
        try:
            peer = PEERS[name](subject)
            apart = difference(peer(row.steps), expected[fastest])
        except Exception as error:  # another library may raise anything
            row.peers.append({"peer": name, "missing": brief(error).partition(" (File")[0]})
            continue
        pairs = Pairs(lambda: library(row.steps), functools.partial(peer, row.steps), _REPEATS.value, _SECONDS.value)
        own_ms, peer_ms = pairs.milliseconds
        figures = {"ours ms": own_ms, "peer ms": peer_ms, "ratio": pairs.ratio, "difference": apart}
        row.peers.append({"peer": name, **figures})
    return floors[fastest]


def _write(rows: Sequence[Row]) -> None:
    machine = {
        "processors": os.cpu_count(),
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
    }
    shown = [{**dataclasses.asdict(row), "reached": row.reached} for row in rows]
    found = {"versions": versions(), "machine": machine, "limit of the difference": _MOST_DIFFERENT, "rows": shown}
    if _OUT.value:
        write_json(_OUT.value, found)
    if _TABLE.value:
        write(_TABLE.value, report(rows))


def main(argv: Sequence[str]) -> None:
    """Measures each work and prints the table."""
    del argv
    for flag, known in (
        (_WORKS, WORKS),
        (_MEASURES, ("gradient", "memory", "first")),
        (_XLA, ("no", "yes")),
        (_PEERS, PEERS),
    ):
        require_known(flag, list(known))
    tf.get_logger().setLevel("ERROR")
    rows: list[Row] = []
    for name in _WORKS.value:
        rows.append(_measure(name, Sizes(_QUICK.value, _SIZE.value)))
        print("  ".join(rows[-1].cells()), flush=True)
        _write(rows)
    print_tables(rows)
    apart = [row.work for row in rows if not row.missing and not row.figures["difference 64"] <= _MOST_DIFFERENT]
    if apart:
        print(f"The attributions differ by more than {_MOST_DIFFERENT:g} in float64: {', '.join(apart)}")
        raise SystemExit(1)


if __name__ == "__main__":
    app.run(main)
