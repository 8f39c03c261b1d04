"""What a reproduction does: it measures, judges the findings, and writes a page, a figure and all numbers.

The flags are those of all reproductions:

    --quick                 a small version, in at most a minute and a half; its numbers say little
    --nets=5                the number of nets of each kind
    --page=… --figure=…     the files to write
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import os
import pathlib
import sys
import time
from typing import Any, Generic

from absl import app, flags
from PIL import Image
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError
from deepexplain_tf.visualize.figure import require_figure
from deepexplain_tf.writing.json_values import to_json
from reproductions import page
from reproductions.findings import FiguresT, Finding, Verdict, judge
from results import versions, write, write_json

_COLOURS = 256  # of figures: smaller files, and no difference that anyone sees


@dataclasses.dataclass(frozen=True)
class Setting:
    """What the flags say.

    Attributes:
      quick: whether a small version is measured.
      nets: the number of nets of each kind, which differ by their seed.
      folder: where packages with data are, or are fetched to.
    """

    quick: bool
    nets: int
    folder: pathlib.Path

    def pick(self, full: Any, quick: Any) -> Any:
        """Returns the size that fits the version."""
        return quick if self.quick else full


@dataclasses.dataclass(frozen=True)
class Found(Generic[FiguresT]):
    """What was measured.

    Attributes:
      figures: kind of nets → the figures of each net, a dataclass.
      draw: draws the figure; None for none.
      sections: what the page has below the findings, in Markdown.
    """

    figures: Mapping[str, Sequence[FiguresT]]
    draw: Callable[[], Image.Image] | None = None
    sections: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment(Generic[FiguresT]):
    """An experiment of a paper.

    Attributes:
      title: the title of the page.
      introduction: what the page has before the command, in Markdown.
      titles: kind of nets → its name.
      findings: what the paper says.
      measure: measures all kinds of nets.
      caption: what the figure shows.
      units: what a number belongs to, in the plural.
    """

    title: str
    introduction: str
    titles: Mapping[str, str]
    findings: Sequence[Finding[FiguresT]]
    measure: Callable[[Setting], Found[FiguresT]]
    caption: str = ""
    units: str = "nets"

    def run(self, argv: Sequence[str]) -> None:
        """Measures and judges; prints the verdicts, and writes the files that the flags name."""
        tf.get_logger().setLevel("ERROR")
        given = flags.FLAGS
        setting = Setting(given.quick, given.nets or (1 if given.quick else 3), pathlib.Path(given.data).expanduser())
        start = time.perf_counter()
        try:
            if given.figure:
                require_figure()  # fails before the training, not after it
            found = self.measure(setting)
        except DeepExplainError as error:
            print(error, file=sys.stderr)
            raise SystemExit(1) from error
        verdicts = judge(self.findings, found.figures)
        print("\n" + page.printed(verdicts, self.titles))
        if given.figure and found.draw:
            dx.visualize.save_png(found.draw().quantize(_COLOURS), given.figure)
        if given.page:
            beside = pathlib.Path(given.page).parent
            picture = os.path.relpath(given.figure, beside) if given.figure and found.draw else None
            seconds = time.perf_counter() - start
            write(given.page, self.page(found, verdicts, setting, _command(argv), picture, seconds))
        if given.out:
            write_json(given.out, _plain(found, verdicts, setting))

    def page(
        self,
        found: Found[FiguresT],
        verdicts: Sequence[Verdict[FiguresT]],
        setting: Setting,
        command: str,
        picture: str | None,
        seconds: float,
    ) -> str:
        """Returns the page in Markdown.

        Args:
          found: what was measured.
          verdicts: the verdicts on all findings.
          setting: what the flags said.
          command: the command that makes the page.
          picture: the figure's path, relative to the page; None without a figure.
          seconds: what the measurement took.
        """
        parts = [f"# {self.title}\n", f"{self.introduction.strip()}\n", f"```bash\n{command}\n```\n"]
        if picture:
            parts += [f"![{self.caption}]({picture})\n", f"{self.caption}\n"]
        seeds = range(setting.nets) if any(len(nets) == setting.nets > 1 for nets in found.figures.values()) else ()
        section = page.findings_section(verdicts, self.titles, self.units, seeds if "nets" in self.units else ())
        parts += [section, *found.sections, page.machine(seconds)]
        return "\n".join(part for part in parts if part)


def _command(argv: Sequence[str]) -> str:
    """Returns the command that makes the page again."""
    script = os.path.join("examples", os.path.basename(argv[0]))
    given = [argument for argument in sys.argv[1:] if not argument.startswith(("--data", "--out"))]
    return " ".join(["python", script, *given])


def _plain(found: Found[Any], verdicts: Sequence[Verdict[Any]], setting: Setting) -> dict[str, Any]:
    """Returns all figures as values of JSON, with None for numbers that are not finite."""
    return to_json(
        {
            "versions": versions(),
            "quick": setting.quick,
            "nets": setting.nets,
            "findings": [
                {"finding": v.finding.name, "kind": v.kind, "values": v.values, "verdict": str(v)} for v in verdicts
            ],
            "figures": {kind: [dataclasses.asdict(net) for net in nets] for kind, nets in found.figures.items()},
        }
    )


def run(experiment: Experiment[Any]) -> None:
    """Runs an experiment as the program, whose flags are defined here: importing a script defines none of them."""
    flags.DEFINE_bool("quick", False, "Whether to measure a small version; its numbers say little.")
    flags.DEFINE_integer("nets", None, "The number of nets of each kind. Default: 3, or 1 with --quick.", lower_bound=1)
    flags.DEFINE_string("data", "~/.cache/deepexplain_tf", "The folder for the packages with the data.")
    flags.DEFINE_string("figure", None, "A PNG file to write with the figure.")
    flags.DEFINE_string("page", None, "A Markdown file to write with the findings.")
    flags.DEFINE_string("out", None, "A JSON file to write with all figures.")
    app.run(experiment.run)
