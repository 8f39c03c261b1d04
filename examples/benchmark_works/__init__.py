"""The works of `examples/benchmark.py`, the floor they are compared with, and how both are measured."""
