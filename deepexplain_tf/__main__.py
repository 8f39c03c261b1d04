"""Runs the command `deepexplain` as `python -m deepexplain_tf`."""

from deepexplain_tf.cli.main import run

if __name__ == "__main__":
    run()
