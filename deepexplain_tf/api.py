"""The public names that `import deepexplain_tf` offers."""

from deepexplain_tf import callbacks, features, metrics, paths, rules, text, visualize
from deepexplain_tf.arguments.noise import noise
from deepexplain_tf.arguments.pictures import read_pictures
from deepexplain_tf.comparison import Comparison, compare
from deepexplain_tf.datasets import explain_dataset
from deepexplain_tf.errors import DeepExplainError, UnsupportedOpError
from deepexplain_tf.explain import DeepExplain, Explainer
from deepexplain_tf.explained_model import ExplainedModel, with_explanations
from deepexplain_tf.explanation import Explanation, load
from deepexplain_tf.features.xrai import xrai
from deepexplain_tf.methods import list_methods
from deepexplain_tf.methods.describe import describe
from deepexplain_tf.metrics import list_metrics
from deepexplain_tf.rules import list_rules

__all__ = [
    "Comparison",
    "DeepExplain",
    "DeepExplainError",
    "ExplainedModel",
    "Explainer",
    "Explanation",
    "UnsupportedOpError",
    "callbacks",
    "compare",
    "describe",
    "explain_dataset",
    "features",
    "list_methods",
    "list_metrics",
    "list_rules",
    "load",
    "metrics",
    "noise",
    "paths",
    "read_pictures",
    "rules",
    "text",
    "visualize",
    "with_explanations",
    "xrai",
]
