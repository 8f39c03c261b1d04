"""The measurement of a work: time, memory and first call of the library and of the floor."""

from collections.abc import Callable, Sequence
import dataclasses
import gc
import statistics
import time
from typing import Any

import keras
import numpy as np

from benchmark_works.base import Sizes, Subject
from benchmark_works.floor import Attribute, Setting, divided, floor
from benchmark_works.memory import Growth, in_fresh_process
from benchmark_works.works import WORKS
import deepexplain_tf as dx
from interleaved import seconds
from keras_state import float64


def ours(subject: Subject, setting: Setting) -> Attribute:
    """Returns steps → attributions by the library."""
    chosen: dict[str, Any] = {} if setting.chunk is None else {"chunk_size": setting.chunk}
    with dx.DeepExplain(subject.model, layer=subject.layer, jit_compile=setting.xla) as de:
        explainer = de.explainer("integrated_gradients", target=subject.target, **chosen)
    return lambda steps: explainer(subject.x, n_steps=steps).attributions


_SIDES: dict[str, Callable[[Subject, Setting], Attribute]] = {"ours": ours, "floor": floor}


def build(name: str, sizes: Sizes) -> Subject:
    """Returns a work's subject, with the same weights in every process."""
    keras.utils.set_random_seed(0)
    return WORKS[name].build(sizes)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Returns ‖first − second‖ / ‖second‖."""
    return float(np.linalg.norm(np.float64(first) - second) / np.linalg.norm(np.float64(second)))


def exact_difference(name: str, own: Setting, bare: Setting) -> float:
    """Returns the difference for the small version of a work, with the model in float64.

    In float32 the gradient of a network with kinks is not exact itself: rounding decides on which side of a kink a unit
    lies, and moves the attributions of a large network by a thousandth or more, also against float64.
    """
    with float64():
        subject = build(name, Sizes(quick=True))
        if subject.x.dtype.kind == "f":
            subject = dataclasses.replace(subject, x=subject.x.astype(np.float64))
        chunk = even(subject, [bare.chunk or 0])[0]
        by_hand = floor(subject, dataclasses.replace(bare, chunk=chunk))(subject.steps)
        return difference(ours(subject, own)(subject.steps), by_hand)


def best(side: str, subject: Subject, settings: Sequence[Setting]) -> Setting:
    """Returns the setting with the least time per gradient in a short trial."""
    if len(settings) == 1:
        return settings[0]
    largest = max(setting.chunk or 0 for setting in settings)

    def trial(setting: Setting) -> float:
        call = _SIDES[side](subject, setting)
        rows, together = divided(len(subject.x), subject.steps, setting.chunk or len(subject.x))
        chunks = max(1, largest * rows // (len(subject.x) * rows * together))
        steps = min(subject.steps, together * chunks)
        call(steps)
        return min(seconds(lambda: call(steps)) for _ in range(2)) / steps

    return min(settings, key=trial)


def even(subject: Subject, chunks: Sequence[int]) -> list[int]:
    """Returns the even chunk sizes of the floor for requested ones, each once; 0 is the whole batch."""
    rows = len(subject.x)
    return sorted({int(np.prod(divided(rows, subject.steps, chunk or rows))) for chunk in chunks})


_PROCESSES = 3  # for each side at full size, since the allocator moves a single process by a few per cent

Figures = dict[str, float | None]


@dataclasses.dataclass(frozen=True)
class Fresh:
    """The seconds of the first call in a fresh process, and the growth of that process in megabytes."""

    first: float
    megabytes: float | None


def fresh(name: str, sizes: Sizes, side: str, setting: Setting, steps: int) -> Fresh:
    """Runs one side of a work in a process that has done nothing but build the model."""
    bare = dataclasses.replace(sizes, calibrated=False)
    found: Fresh = in_fresh_process(_probe, name, bare, side, setting, steps)
    return found


def _probe(name: str, sizes: Sizes, side: str, setting: Setting, steps: int) -> Fresh:
    subject = build(name, sizes)
    gc.collect()
    growth, start = Growth(), time.perf_counter()
    call = _SIDES[side](subject, setting)
    call(steps)
    return Fresh(time.perf_counter() - start, growth.megabytes)


def memory(name: str, sizes: Sizes, own: Setting, bare: Setting, steps: int) -> Figures:
    """Returns the growth of each side in megabytes, with the floor's chunks, and their ratio.

    At full size the figures are medians of a few runs.
    """
    settings = {"ours": Setting(own.xla, bare.chunk), "floor": bare}
    runs = [
        {side: fresh(name, sizes, side, setting, steps).megabytes for side, setting in settings.items()}
        for _ in range(1 if sizes.quick else _PROCESSES)
    ]
    found = {side: _median([run[side] for run in runs]) for side in settings}
    library, by_hand = found["ours"], found["floor"]
    ratio = library / by_hand if library is not None and by_hand else None
    return {"ours MB": library, "floor MB": by_hand, "memory ratio": ratio}


def _median(found: Sequence[float | None]) -> float | None:
    known = [value for value in found if value is not None]
    return statistics.median(known) if known else None


def growth(name: str, sizes: Sizes, own: Setting, steps: int) -> Figures:
    """Returns the library's growth in megabytes with all steps less that with a tenth, which fills its chunks."""
    few, all_steps = (fresh(name, sizes, "ours", own, count).megabytes for count in (max(1, steps // 10), steps))
    return {"growth MB": None if few is None or all_steps is None else all_steps - few}


def first_calls(
    name: str, sizes: Sizes, own: Setting, floors: Sequence[Setting], steps: int, repeats: int
) -> tuple[Figures, Setting]:
    """Returns the median seconds of each side's first call and their ratio, and the floor's fastest setting."""
    tried = {setting: fresh(name, sizes, "floor", setting, steps).first for setting in floors}
    bare = min(floors, key=tried.__getitem__)
    pairs = [
        (fresh(name, sizes, "ours", own, steps).first, fresh(name, sizes, "floor", bare, steps).first)
        for _ in range(repeats)
    ]
    library, by_hand = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    return {"ours s": library, "floor s": by_hand, "first ratio": ratio}, bare
