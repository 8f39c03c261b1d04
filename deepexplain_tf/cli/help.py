"""The help texts of the program and its commands."""

import inspect
import textwrap

from absl import flags

from deepexplain_tf.cli.command import COMMANDS, Command

_WIDTH = 100
_FLAGFILE = "--flagfile=FILE\n        Reads flags from a file, one --name=value a line."


def of_program() -> str:
    """Returns the list of commands."""
    lines = {name: (inspect.getdoc(COMMANDS[name]) or "").partition("\n")[0] for name in COMMANDS}
    return (
        "Explains which inputs made a TensorFlow model say what it says.\n\n"
        "Usage: deepexplain COMMAND --flag=value …\n\n"
        "Commands:\n" + "\n".join(f"  {name:<10}{line}" for name, line in lines.items()) + "\n\n"
        "deepexplain COMMAND --help shows the flags of a command."
    )


def _flag(flag: flags.Flag, required: bool) -> str:
    title = f"--{flag.name}" if flag.boolean else f"--{flag.name}=…"
    note = " Required." if required else ""
    if flag.default and not flag.boolean:
        note = f" Default: {flag.default}."
    indent = " " * 8
    return f"  {title}\n" + textwrap.fill(
        " ".join(flag.help.split()) + note,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
    )


def of_command(name: str, command: Command, values: flags.FlagValues) -> str:
    """Returns what a command does and the flags it takes, in the order of their definition."""
    listed = [_flag(values[flag], flag in command.required) for flag in values]
    text = inspect.getdoc(command) or ""
    bare = f" [{command.bare.upper()}]" if command.bare else ""
    return "\n".join([text, "", f"Usage: deepexplain {name}{bare} --flag=value …", "", *listed, f"  {_FLAGFILE}"])
