"""Coverage: how a composite treats each op between the explained tensor and the target."""

import collections
from collections.abc import Sequence
import dataclasses

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.graph.ir import LAYER, Node
from deepexplain_tf.writing.table import render

VERDICTS = ("exact", "linear", "convention", "gradient", "refused")


@dataclasses.dataclass(frozen=True)
class Coverage:
    """A verdict on each active op, one that depends on the explained tensor; prints as a table.

    `exact`: a rule replaces the op's gradient; `linear`: the op is linear in its active inputs, so that its
    ordinary gradient is its rule; `convention`: a rule replaces the gradient, and its attributions add up, but how it
    splits them between the op's inputs is one choice among several; `gradient`: the op keeps its ordinary gradient
    though it is not linear; `refused`: the method does not run on the op.

    Attributes:
      ops: the active ops, from the input to the target.
      verdicts: the verdict on each op.
      draw: an op that draws random numbers, None if there is none. The first call shows whether the outputs depend on
        them; if so, every method refuses the model.
      rules: the rule of each op, with its parameters, where the method offers several; else `""`.
    """

    ops: tuple[Op, ...]
    verdicts: tuple[str, ...]
    draw: Node | None = None
    rules: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The number of ops with each verdict."""
        counts = collections.Counter(self.verdicts)
        return {verdict: counts[verdict] for verdict in VERDICTS}

    def refused(self) -> list[Op]:
        """Returns the ops with the verdict `refused`."""
        return [op for op, verdict in self if verdict == "refused"]

    def __iter__(self):  # type: ignore[no-untyped-def]
        """Yields (op, verdict); an op has `.name`, `.type` and `.kind`."""
        return iter(zip(self.ops, self.verdicts, strict=True))

    def __len__(self) -> int:
        return len(self.ops)

    def __str__(self) -> str:
        header = ("op", "type", "kind", "verdict")
        rows = [(op.name, op.type, op.kind.value, verdict) for op, verdict in self]
        if any(self.rules):
            pairs = zip(rows, self.ops, self.rules, strict=True)
            shown = [(*row, rule, op.node.attrs["path"] if op.type == LAYER else "") for row, op, rule in pairs]
            return self._table((*header, "rule", "layer"), shown, left=6)
        return self._table(header, rows)

    def summary(self) -> str:
        """Returns a shorter table: how many ops have each type, kind and verdict, the refused ones first."""
        counts = collections.Counter((op.type, op.kind.value, verdict) for op, verdict in self)
        rows = sorted(counts.items(), key=lambda row: (row[0][2] != "refused", -row[1], row[0]))
        return self._table(("type", "kind", "verdict", "ops"), [(*row, str(count)) for row, count in rows], left=3)

    def _table(self, header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 4) -> str:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items() if count)
        lines = [render(header, rows, left=left), f"{len(self)} active ops: {counts or 'none'}"]
        if self.draw is not None:
            lines.append(f"{self.draw.type} at {self.draw.name!r} draws numbers: refused if the outputs depend on them")
        return "\n".join(lines)
