"""`deepexplain COMMAND --flags`: finds the command, reads its flags, and turns errors into exit codes."""

import os
import signal
import sys
import traceback
from typing import Any

from absl import flags

from deepexplain_tf.cli import help as help_text
from deepexplain_tf.cli.command import COMMANDS, Command, UsageError
from deepexplain_tf.errors import UnknownNameError

_HELP = ("--help", "-help", "-h")
_OK, _FAILED, _USAGE = 0, 1, 2
_MAX_LENGTH = 600


def _new_command(name: str) -> tuple[Command, flags.FlagValues]:
    try:
        command, values = COMMANDS[name](), flags.FlagValues()
    except UnknownNameError as error:
        raise UsageError(str(error)) from None
    command.define(values)
    flags.DEFINE_boolean("debug", False, "Shows the traceback of an error.", flag_values=values)
    return command, values


def _parse(name: str, command: Command, values: flags.FlagValues, arguments: list[str]) -> None:
    values.set_gnu_getopt()  # flags may follow a bare argument
    bare = values([name, *arguments])[1:]
    if bare and command.bare and values[command.bare].value is None:
        values[command.bare].parse(bare.pop(0))
    if bare:
        raise UsageError(f"flags are given as --name=value. Got {bare[0]!r}.")
    missing = [f"--{flag}" for flag in command.required if not values[flag].value]
    if missing:
        raise UsageError(f"{name} needs {' and '.join(missing)}.")


def _run(name: str, arguments: list[str]) -> None:
    command, values = _new_command(name)
    if any(argument in _HELP for argument in arguments):
        print(help_text.of_command(name, command, values))
        return
    _parse(name, command, values, arguments)
    command.run(values)


def _report(message: str) -> None:
    line = " ".join(message.split())
    print(f"deepexplain: error: {line[:_MAX_LENGTH]}", file=sys.stderr)


def _message(error: Exception) -> str:
    # The words of these classes are written for the reader; others are told with their class, as `KeyError:
    # 'x'` needs.
    written_for_people = isinstance(error, ValueError | TypeError | OSError) and str(error)
    return str(error) if written_for_people else f"{type(error).__name__}: {error}"


def main(argv: list[str]) -> int:
    """Runs one command line.

    Args:
        argv: The arguments after the name of the program.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage.

    Raises:
        BrokenPipeError: Nobody reads the output any more.
    """
    if not argv or argv[0] in (*_HELP, "help"):
        print(help_text.of_program())
        return _OK if argv else _USAGE
    try:
        _run(argv[0], argv[1:])
    except KeyboardInterrupt:
        _report("interrupted; nothing was written.")
        return _FAILED
    except BrokenPipeError:
        raise
    except Exception as error:
        if "--debug" in argv:
            error.__suppress_context__ = False  # with what TensorFlow or Keras raised
            traceback.print_exc()
        if isinstance(error, flags.CantOpenFlagFileError):
            error = FileNotFoundError(str(error).removeprefix("ERROR:: "))
        if isinstance(error, UsageError | flags.Error):
            see = argv[0] if argv[0] in COMMANDS else ""
            _report(f"{error} See: {' '.join(['deepexplain', see, '--help'])}")
            return _USAGE
        _report(_message(error))
        return _FAILED
    return _OK


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def run() -> None:
    """The entry point of the program `deepexplain`."""
    # What a killed command has begun to write is removed, as after Ctrl-C.
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # a reader that has seen enough, as in `deepexplain … | head`, is no failure
        code = _OK
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush when Python ends
    sys.exit(code)
