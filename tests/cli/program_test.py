import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from deepexplain_tf.cli import main as cli

_ROOT = pathlib.Path(__file__).parents[2]
_CONFIGS = sorted((_ROOT / "configs").glob("*.cfg"))


def _python(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)


def test_module_is_the_program():
    done = _python("-m", "deepexplain_tf", "explain", "--model=none.keras", "--input=x", "--out=y")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "deepexplain: error: there is no file none.keras"


def test_help_starts_without_tensorflow():
    code = "import sys, deepexplain_tf.cli.main as cli; cli.main(['--help']); sys.exit('tensorflow' in sys.modules)"
    assert _python("-c", code).returncode == 0


def test_importing_the_library_defines_no_flags():
    code = (
        "from absl import flags; import keras, tensorflow; before = set(flags.FLAGS)\n"
        "import deepexplain_tf.cli.main, deepexplain_tf as dx; dx.DeepExplain\n"
        "assert set(flags.FLAGS) == before, set(flags.FLAGS) - before"
    )
    assert _python("-c", code).returncode == 0


@pytest.mark.parametrize("config", _CONFIGS, ids=lambda path: path.name)
def test_first_line_of_a_config_is_a_command_that_reads_it(config):
    program, *words = shlex.split(config.read_text().splitlines()[0].removeprefix("# "))
    assert f"--flagfile=configs/{config.name}" in words
    if program == "python":
        script = (_ROOT / words[0]).read_text()
        given = re.findall(r"^--(\w+)=", config.read_text(), re.MULTILINE)
        assert all(re.search(rf'DEFINE_\w+\("{name}"', script) for name in given)
        return
    name, *arguments = [word.replace("configs/", f"{config.parent}/") for word in words]
    command, values = cli._new_command(name)
    cli._parse(name, command, values, arguments)


def test_configs_are_found():
    assert _CONFIGS
