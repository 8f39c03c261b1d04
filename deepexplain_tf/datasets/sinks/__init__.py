"""Formats of the shards of a folder, one file each, which registers it when this module imports it."""

from deepexplain_tf.datasets.sinks.base import SINKS, Part, Sink
from deepexplain_tf.datasets.sinks.npz import Npz
from deepexplain_tf.datasets.sinks.parquet import Parquet

__all__ = ["SINKS", "Npz", "Parquet", "Part", "Sink"]
