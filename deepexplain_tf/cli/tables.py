"""The numbers of an explanation as files that other programs read."""

import json
import pathlib

from deepexplain_tf.explanation import Explanation

FORMATS = ("csv", "json")
_LEFT_OUT = ("inputs", "groups", "batched", "pairwise")


def write(explanation: Explanation, formats: list[str], folder: pathlib.Path) -> list[str]:
    """Writes explanation.csv and explanation.json as asked for, and returns their names.

    The table has a row for each example and a column for each feature, or a row for each word; the JSON file all
    numbers but the inputs.

    Raises:
        DeepExplainError: A table without pandas.
    """
    written = []
    for format in formats:
        path = folder / f"explanation.{format}"
        if format == "csv":
            explanation.to_frame().to_csv(path)
        else:
            from deepexplain_tf.writing.json_values import to_json  # imports TensorFlow

            found = {name: value for name, value in vars(explanation).items() if name not in _LEFT_OUT}
            text = json.dumps(to_json({name: value for name, value in found.items() if value is not None}))
            path.write_text(text + "\n", encoding="utf-8")
        written.append(path.name)
    return written
