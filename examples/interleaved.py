"""Two calls timed in turn, so that other load on the machine affects both alike."""

from collections.abc import Callable
import statistics
import time

Call = Callable[[], object]


def seconds(call: Call) -> float:
    """Returns the seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Pairs:
    """The seconds of two calls that are made in turn.

    Args:
      first: the call that is measured.
      second: the call with which it is compared.
      count: the number of pairs.
      limit: the seconds after which no new pair begins.
    """

    def __init__(self, first: Call, second: Call, count: int, limit: float = float("inf")):
        end = time.perf_counter() + limit
        self.seconds = [(seconds(first), seconds(second))]
        while len(self.seconds) < count and time.perf_counter() < end:
            self.seconds.append((seconds(first), seconds(second)))

    @property
    def medians(self) -> tuple[float, float]:
        """The median seconds of each call."""
        first, second = zip(*self.seconds, strict=True)
        return statistics.median(first), statistics.median(second)

    @property
    def milliseconds(self) -> tuple[float, float]:
        """The same in milliseconds."""
        first, second = self.medians
        return first * 1e3, second * 1e3

    @property
    def ratio(self) -> float:
        """The median over the pairs of the first call's time divided by the second's."""
        return statistics.median(first / second for first, second in self.seconds)
