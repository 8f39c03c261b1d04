"""Rules by which relevance flows from an op's outputs to its inputs, one file each; `composites.py` combines them."""
