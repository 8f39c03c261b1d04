"""The result of every explain call: its numbers, names, file, sums, tables and pictures.

Knows no model and no method; imports `visualize`, `writing` and `errors`.
"""

from deepexplain_tf.explanation.explanation import Explanation, load

__all__ = ["Explanation", "load"]
