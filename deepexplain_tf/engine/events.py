"""What happened while the programs of an objective were running, for later calls and for the user."""

import dataclasses
import threading

from deepexplain_tf.objective.objective import Objective


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The largest sizes that memory held: examples in a batch, and evaluations in a chunk."""

    batch: int
    chunk: int


class Events:
    """Refusals of XLA, and calls that needed more memory than there was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refusals: dict[Objective, str] = {}
        self._sizes: dict[Objective, Sizes] = {}

    def refused(self, objective: Objective, reason: str) -> None:
        """Records that XLA cannot compile a program, and why."""
        with self._lock:
            self._refusals[objective] = reason

    def exhausted(self, objective: Objective, smaller: Sizes) -> None:
        """Records that memory was not enough, and the sizes with which the call goes on."""
        with self._lock:
            self._sizes[objective] = smaller

    def sizes(self, objective: Objective) -> Sizes | None:
        """Returns the largest sizes that calls may have, None where memory was enough so far."""
        return self._sizes.get(objective)

    def notes(self, objective: Objective) -> tuple[str, ...]:
        """Returns notes for the user."""
        reason, sizes = self._refusals.get(objective), self._sizes.get(objective)
        refused = [] if reason is None else [f"not compiled by XLA, which refused: {reason}"]
        if sizes is None:
            return tuple(refused)
        return (*refused, f"out of memory: continued with batches of {sizes.batch} and chunks of {sizes.chunk}")
