"""The questions, the net and the scores of `examples/reproduce_trigger_word.py`."""
