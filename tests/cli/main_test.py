from absl import flags
import pytest

from deepexplain_tf.cli import main as cli
from deepexplain_tf.cli.command import COMMANDS, Command, UsageError
from deepexplain_tf.errors import InputError


class _Fake(Command):
    """Does what --do says.

    More about it.
    """

    required = ("do",)

    def define(self, values):
        flags.DEFINE_string("do", None, "What to do.", flag_values=values)
        flags.DEFINE_integer("times", 1, "How often.", flag_values=values)

    def run(self, values):
        errors = {
            "usage": UsageError("not so"),
            "library": InputError("a shape\n   is wrong"),
            "missing": FileNotFoundError(2, "No such file or directory", "a.npy"),
            "bug": KeyError("x"),
            "interrupt": KeyboardInterrupt(),
        }
        if values.do in errors:
            raise errors[values.do]
        print(values.do * values.times)


class _Bare(_Fake):
    """Takes what is to do without a flag, too."""

    required = ()
    bare = "do"


@pytest.fixture(autouse=True)
def _fake_command(monkeypatch):
    monkeypatch.setattr(COMMANDS, "_members", {**COMMANDS._members, "fake": _Fake, "bare": _Bare})


def test_runs_a_command_with_its_flags(capsys):
    assert cli.main(["fake", "--do=a", "--times=3"]) == 0
    assert capsys.readouterr() == ("aaa\n", "")


@pytest.mark.parametrize("argv", [["a", "--times=2"], ["--times=2", "a"], ["--do=a", "--times=2"]])
def test_one_bare_argument_stands_for_a_flag(argv, capsys):
    assert cli.main(["bare", *argv]) == 0
    assert capsys.readouterr() == ("aa\n", "")


def test_help_shows_the_bare_argument(capsys):
    assert cli.main(["bare", "--help"]) == 0
    assert "Usage: deepexplain bare [DO] --flag=value …" in capsys.readouterr().out


def test_reads_flags_from_a_file(tmp_path, capsys):
    file = tmp_path / "fake.cfg"
    file.write_text("# a comment\n--do=b\n--times=2\n")
    assert cli.main(["fake", f"--flagfile={file}"]) == 0
    assert capsys.readouterr().out == "bb\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["fak", "--do=a"], "unknown command 'fak'; closest: 'fake'. See: deepexplain --help"),
        (["fake", "--does=a"], "Unknown command line flag 'does'"),
        (["fake"], "fake needs --do. See: deepexplain fake --help"),
        (["fake", "--do="], "fake needs --do."),
        (["fake", "--do=a", "more"], "flags are given as --name=value. Got 'more'."),
        (["bare", "a", "b"], "flags are given as --name=value. Got 'b'."),
        (["bare", "--do=a", "b"], "flags are given as --name=value. Got 'b'."),
        (["fake", "--do=a", "--times=x"], "times=x"),
        (["fake", "--do=usage"], "not so"),
    ],
)
def test_wrong_usage_is_2_and_one_line(argv, words, capsys):
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("deepexplain: error: ")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["fake", "--do=library"], "a shape is wrong"),
        (["fake", "--do=missing"], "No such file or directory: 'a.npy'"),
        (["fake", "--do=bug"], "KeyError: 'x'"),
        (["fake", "--do=interrupt"], "interrupted; nothing was written."),
        (["fake", "--flagfile=none.cfg"], "none.cfg"),
    ],
)
def test_failure_is_1_and_one_line(argv, words, capsys):
    assert cli.main(argv) == 1
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(capsys):
    assert cli.main(["fake", "--do=library", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_help_lists_commands_with_their_first_line(capsys):
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "Does what --do says." in out
    assert "More about it" not in out
    assert all(name in out for name in ("demo", "explain"))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_help_of_a_command_needs_no_other_flag(name, capsys):
    assert cli.main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"--{flag}=…" in out for flag in COMMANDS[name].required)
    assert "--flagfile" in out
    assert max(map(len, out.splitlines())) <= 110


def test_no_command_shows_help_and_is_wrong_usage(capsys):
    assert cli.main([]) == 2
    assert "Usage: deepexplain COMMAND" in capsys.readouterr().out
