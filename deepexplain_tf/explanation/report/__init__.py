"""The report: explanations of the same examples as one HTML file that needs no network."""

from deepexplain_tf.explanation.report.write import write_report

__all__ = ["write_report"]
