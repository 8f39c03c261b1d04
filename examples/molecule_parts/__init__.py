"""Molecule-like graphs, networks over them, their explanation and their drawing, for `reproduce_molecules.py`."""
