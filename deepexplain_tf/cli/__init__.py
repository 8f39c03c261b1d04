"""The command line: the only place of the library that defines flags.

The imports are the list of commands.
"""

from deepexplain_tf.cli.batch import Batch
from deepexplain_tf.cli.coverage import PrintCoverage
from deepexplain_tf.cli.demo import Demo
from deepexplain_tf.cli.evaluate import Evaluate
from deepexplain_tf.cli.explain import Explain
from deepexplain_tf.cli.export import Export
from deepexplain_tf.cli.methods import PrintMethods
from deepexplain_tf.cli.report import Report

__all__ = ["Batch", "Demo", "Evaluate", "Explain", "Export", "PrintCoverage", "PrintMethods", "Report"]
