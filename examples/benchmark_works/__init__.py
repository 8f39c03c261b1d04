"""The works of `examples/benchmark.py`, the floor, and the measurement of both."""
