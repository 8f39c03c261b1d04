"""How fast is Integrated Gradients relative to its bare gradients?

    python examples/benchmark.py --flagfile=configs/benchmark.cfg
    python examples/benchmark.py --flagfile=configs/benchmark_quick.cfg
    python examples/benchmark.py --works=tabular_mlp --peers=xplique,saliency --out=benchmark.json

This script compares the library with its default settings to the *floor*: the same gradients in a `tf.function` written
by hand, with or without XLA and with the chunk size that is fastest in a short trial. The table has a row for each work
(a model with a batch):

  ours, floor ms   the median milliseconds of calls in turn (ours, floor, ours, …), after a first call of each
  floor            the floor's setting: XLA or plain, gradients at once
  ratio            the median over the pairs of calls of our time to the floor's
  ours, floor MB   the largest growth of the resident memory, in fresh processes, both with the floor's chunks
  growth MB        the growth with all steps less that with a tenth of them, which fills the chunks, in fresh processes
  ours, floor s    the seconds of the first call in a fresh process, from the model to the attributions, including
                   tracing and compilation; the floor's chunks are those with the fastest first call
  difference       ‖ours − floor‖ / ‖floor‖ of the attributions; large for large networks with kinks, where the
                   difference from float64 is large too: rounding decides on which side of a kink a unit lies
  difference 64    the same for the small version of the work in float64; more than 1e-10 is an error
  reached          whether the named figures are within their limits, for works at full size

The exit code is 1 where the attributions differ.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import os
from typing import Any

from absl import app, flags
import tensorflow as tf

from benchmark_works.base import Sizes, Subject
from benchmark_works.floor import Setting, divided, floor
from benchmark_works.measure import best, build, difference, even, exact_difference, first_calls, growth, memory, ours
from benchmark_works.peers import PEERS
from benchmark_works.works import WORKS
from choices import require_known
from deepexplain_tf.errors import brief
from deepexplain_tf.writing.table import render, scientific
from interleaved import Pairs
from keras_state import forget
from results import versions, write_json

_WORKS = flags.DEFINE_list("works", list(WORKS), "The works to measure.")
_MEASURES = flags.DEFINE_list(
    "measures", ["memory", "first"], "Further measurements beside the time: memory, first (the first call)."
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

_MOST_DIFFERENT = 1e-10  # in float64


@dataclasses.dataclass
class Row:
    """The figures of one work; `missing` names packages without which there are none."""

    work: str
    limits: dict[str, float]
    inputs: str = ""
    steps: int = 0
    ours: str = ""
    floor: str = ""
    first_floor: str = ""
    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    peers: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    missing: str = ""

    @property
    def reached(self) -> dict[str, bool]:
        """For each measured figure with a limit, whether it is within the limit."""
        return {name: self.figures[name] <= limit for name, limit in self.limits.items() if name in self.figures}

    def add(self, figures: Mapping[str, float | None]) -> None:
        """Adds the figures that are not None."""
        self.figures.update({name: value for name, value in figures.items() if value is not None})

    def cells(self, names: Sequence[str]) -> list[str]:
        """Returns the row as text."""
        said = [f"{name} ≤ {self.limits[name]:g}: {'yes' if met else 'no'}" for name, met in self.reached.items()]
        shown = [_shown(name, self.figures.get(name)) for name in names]
        about = f"{self.inputs} · {self.steps}" if self.inputs else f"not installed: {self.missing}"
        return [self.work, about, self.floor, *shown, ", ".join(said)]


_FIGURES = [
    *("ours ms", "floor ms", "ratio", "ours MB", "floor MB", "memory ratio", "growth MB"),
    *("ours s", "floor s", "first ratio", "difference", "difference 64"),
]


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if "difference" in name:
        return scientific(value)
    return f"{value:.3f}" if "ratio" in name else f"{value:.1f}"


def _floors(subject: Subject, chunks: Sequence[int]) -> list[Setting]:
    sizes = even(subject, [int(chunk) for chunk in _CHUNKS.value or chunks])
    return [Setting(name == "yes", chunk) for name in _XLA.value for chunk in sizes]


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
    bare = best("floor", subject, floors)
    row.ours, row.floor = str(own), str(bare)
    few = 3 * divided(len(subject.x), row.steps, bare.chunk or 1)[1]
    _time(row, subject, own, bare)
    del subject
    forget()
    row.add({"difference 64": exact_difference(name, own, bare)})
    forget()
    if "memory" in _MEASURES.value:
        row.add(memory(name, sizes, own, bare, few))
        if work.growth:
            row.add(growth(name, sizes, own, row.steps))
    if "first" in _MEASURES.value and work.first_call:
        figures, first = first_calls(name, sizes, own, floors, row.steps, _REPEATS.value)
        row.add(figures)
        row.first_floor = str(first)
    return row


def _time(row: Row, subject: Subject, own: Setting, bare: Setting) -> None:
    """Times the library in turn with the floor and with each peer, and compares the attributions."""
    library, by_hand = ours(subject, own), floor(subject, bare)
    found, expected = library(row.steps), by_hand(row.steps)
    row.add({"difference": difference(found, expected)})
    pairs = Pairs(lambda: library(row.steps), lambda: by_hand(row.steps), _REPEATS.value, _SECONDS.value)
    own_ms, bare_ms = (median * 1e3 for median in pairs.medians)
    row.add({"ours ms": own_ms, "floor ms": bare_ms, "ratio": pairs.ratio})
    for name in _PEERS.value:
        try:
            peer = PEERS[name](subject)
            apart = difference(peer(row.steps), expected)
        except Exception as error:  # another library may raise anything
            row.peers.append({"peer": name, "missing": brief(error)})
            continue
        pairs = Pairs(lambda: library(row.steps), functools.partial(peer, row.steps), _REPEATS.value, _SECONDS.value)
        own_ms, peer_ms = (median * 1e3 for median in pairs.medians)
        figures = {"ours ms": own_ms, "peer ms": peer_ms, "ratio": pairs.ratio, "difference": apart}
        row.peers.append({"peer": name, **figures})


def _print(rows: Sequence[Row]) -> None:
    names = [name for name in _FIGURES if any(name in row.figures for row in rows)]
    header = ["work", "inputs · steps", "floor", *names, "reached"]
    print("\n" + render(header, [row.cells(names) for row in rows], left=3))
    peers = [(row.work, peer) for row in rows for peer in row.peers]
    names = ["ours ms", "peer ms", "ratio", "difference"]
    cells = [
        [work, peer["peer"], *(_shown(name, peer[name]) for name in names)] for work, peer in peers if "ratio" in peer
    ]
    if cells:
        print("\n" + render(["work", "peer", *names], cells, left=2))
    for work, peer in peers:
        if "missing" in peer:
            print(f"{work}: {peer['peer']} did not run: {peer['missing']}")


def _write(file: str, rows: Sequence[Row]) -> None:
    machine = {
        "processors": os.cpu_count(),
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
    }
    shown = [{**dataclasses.asdict(row), "reached": row.reached} for row in rows]
    found = {"versions": versions(), "machine": machine, "limit of the difference": _MOST_DIFFERENT, "rows": shown}
    write_json(file, found)


def main(argv: Sequence[str]) -> None:
    """Measures each work and prints the table."""
    del argv
    for flag, known in ((_WORKS, WORKS), (_MEASURES, ("memory", "first")), (_XLA, ("no", "yes")), (_PEERS, PEERS)):
        require_known(flag, list(known))
    tf.get_logger().setLevel("ERROR")
    rows: list[Row] = []
    for name in _WORKS.value:
        rows.append(_measure(name, Sizes(_QUICK.value, _SIZE.value)))
        print("  ".join(rows[-1].cells(_FIGURES)), flush=True)
        if _OUT.value:
            _write(_OUT.value, rows)
    _print(rows)
    apart = [row.work for row in rows if not row.missing and not row.figures["difference 64"] <= _MOST_DIFFERENT]
    if apart:
        print(f"The attributions differ by more than {_MOST_DIFFERENT:g} in float64: {', '.join(apart)}")
        raise SystemExit(1)


if __name__ == "__main__":
    app.run(main)
