"""The languages, the nets and the scores of `examples/reproduce_alignment.py`."""
