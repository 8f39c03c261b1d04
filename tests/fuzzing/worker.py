"""A process that judges mutations: a JSON list of cases on its input, a JSON line on its output for each."""

import json
import os
import pathlib
import resource
import shutil
import sys
import time
import warnings

import numpy as np

from tests.fuzzing import constants, files, functions, graphs, judge, saved_models  # noqa: F401, they fill the table
from tests.fuzzing.table import MUTATIONS, NotApplicable

_GIBIBYTE = 2**20  # of ru_maxrss, which counts in KiB


def main(folder: pathlib.Path) -> None:
    """Judges the cases `[model, mutation, seed, methods]` with the originals in `folder`."""
    warnings.simplefilter("ignore")
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    originals = {}
    for model, mutation, seed, methods in json.load(sys.stdin):
        start, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        place = folder / "mutated" / model
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.mkdir()
        source = folder / "originals" / model
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place)
        status, said = "", ""
        try:
            MUTATIONS[mutation].change(place, np.random.default_rng([seed, *mutation.encode()]))
            found, said = judge.explained(place, tuple(methods))
            if found and model not in originals:
                originals[model], _ = judge.explained(source, judge.METHODS)
            judge.compare(found, place, originals.get(model, {}), MUTATIONS[mutation].neutral, methods)
            status = "explained" if found else "refused"
        except NotApplicable:
            status = "not applicable"
        except judge.Wrong as error:
            status, said = "wrong", str(error)
        except Exception as error:
            status, said = "foreign", f"{type(error).__module__}.{type(error).__name__}: {error}"[:600]
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        if grown > _GIBIBYTE:
            status, said = "memory", f"{grown / _GIBIBYTE:.1f} GiB; {said}"
        line = {"status": status, "said": said, "seconds": round(time.perf_counter() - start, 2)}
        print(json.dumps(line), file=output, flush=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
