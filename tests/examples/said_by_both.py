"""Explains a job by another library and by this one, on one model: `python said_by_both.py JOB LIBRARY`.

Prints, as JSON, the cosine of both attributions and the largest difference relative to the largest attribution.
Pictures go to the working directory, those of this library to a folder `ours` in it.
"""

import json
import os
import pathlib
import runpy
import sys

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
THEIRS = {
    ("census_row", "shap"): lambda found: found["values"].values,
    ("misread_digit", "captum"): lambda found: list(found["maps"].values()),
    ("misread_digit", "shap"): lambda found: list(found["maps"].values()),
    ("review_words", "captum"): lambda found: found["scores"][: len(found["words"])],
    ("review_words", "shap"): lambda found: found["values"].values,
    ("two_answers", "shap"): lambda found: found["maps"],
}
OURS = {
    ("misread_digit", "captum"): lambda found: list(found["maps"].values()),
    ("misread_digit", "shap"): lambda found: list(found["maps"].values()),
    ("two_answers", "captum"): lambda found: found["maps"]["even"],  # the last of the loop
    ("two_answers", "shap"): lambda found: list(found["maps"].values()),
}


def main(job, library):
    sys.path.insert(0, str(EXAMPLES / "jobs_elsewhere"))
    elsewhere = runpy.run_path(str(EXAMPLES / "jobs_elsewhere" / f"{job}_{library}.py"))

    # Only now: PyTorch goes before TensorFlow.
    import numpy as np

    import deepexplain_tf as dx

    here = {**elsewhere["job"], "dx": dx}
    os.mkdir("ours")
    os.chdir("ours")
    exec((EXAMPLES / "jobs" / f"{job}.py").read_text("utf-8").rpartition("\n\n")[2], here)

    found = THEIRS.get((job, library), lambda found: found["scores"])(elsewhere)
    theirs = np.concatenate([np.ravel(part) for part in found]).astype(float)
    ours = np.ravel(OURS.get((job, library), lambda found: found["e"].attributions)(here)).astype(float)
    cosine = theirs @ ours / np.linalg.norm(theirs) / np.linalg.norm(ours)
    print(json.dumps({"cosine": cosine, "difference": np.abs(theirs - ours).max() / np.abs(ours).max()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
