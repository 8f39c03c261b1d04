"""Sources of examples, one file each, which registers it when this module imports it."""

from deepexplain_tf.datasets.sources.array_files import ArrayFiles
from deepexplain_tf.datasets.sources.arrays import Arrays
from deepexplain_tf.datasets.sources.base import SOURCES, Source, open_source
from deepexplain_tf.datasets.sources.parquet import Parquet
from deepexplain_tf.datasets.sources.pictures import Pictures
from deepexplain_tf.datasets.sources.tf_data import TensorFlowData
from deepexplain_tf.datasets.sources.tfrecord import TFRecord

__all__ = [
    "SOURCES",
    "ArrayFiles",
    "Arrays",
    "Parquet",
    "Pictures",
    "Source",
    "TFRecord",
    "TensorFlowData",
    "open_source",
]
