"""Lets `python -m deepexplain_tf` do what the command `deepexplain` does."""

from deepexplain_tf.cli.main import run

if __name__ == "__main__":
    run()
