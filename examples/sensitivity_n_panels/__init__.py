"""The nets, the measurements and the findings of `examples/reproduce_sensitivity_n.py`."""
