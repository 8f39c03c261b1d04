"""The parts of `roar.py`: ranking and removing pixels, training again, and the figure."""
