"""What the scripts `reproduce_*.py` share: data, nets, findings, pages."""
