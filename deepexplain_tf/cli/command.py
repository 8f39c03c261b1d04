"""What a command of the command line is."""

import abc
from typing import ClassVar

from absl import flags

from deepexplain_tf.registry import Registry


class UsageError(Exception):
    """A command line that cannot be meant; the process ends with exit code 2."""


class Command(abc.ABC):
    """One command, registered once by `COMMANDS.register(NAME)` in a file of its own.

    Its docstring is what `deepexplain NAME --help` shows; the first line also stands in the list of
    commands. A file of a command imports what starts slowly (TensorFlow, and with it the library) inside
    `run`, so that help is instant.
    """

    required: ClassVar[tuple[str, ...]] = ()
    """The flags that must be given."""

    bare: ClassVar[str | None] = None
    """The flag that an argument without a flag stands for, None where there is none."""

    @abc.abstractmethod
    def define(self, values: flags.FlagValues) -> None:
        """Defines the flags of the command."""

    @abc.abstractmethod
    def run(self, values: flags.FlagValues) -> None:
        """Does the work, and prints and writes its results.

        Raises:
            UsageError: The flags contradict each other or what they name.
            DeepExplainError: The library refused.
            OSError: A file is missing or cannot be written.
        """


COMMANDS: Registry[type[Command]] = Registry("command")
