"""Explanations of whole data sets, from a source to a folder of shards; `api` and the command line may import it."""

from deepexplain_tf.datasets.explain import explain_dataset
from deepexplain_tf.datasets.run import Finished

__all__ = ["Finished", "explain_dataset"]
