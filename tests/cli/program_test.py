import os
import pathlib
import re
import shlex
import subprocess
import sys

import keras
import numpy as np
import pytest

from deepexplain_tf.cli import main as cli

_ROOT = pathlib.Path(__file__).parents[2]
_CONFIGS = sorted((_ROOT / "configs").glob("*.cfg"))


# What importing other packages sets in this process is no wish of a user's.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}


def _python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=_ROOT, env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )


def test_module_is_the_program():
    done = _python("-m", "deepexplain_tf", "explain", "--model=none.keras", "--input=x", "--out=y")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "deepexplain: error: there is no file none.keras"


# All that is shown is shown at once, as if everything took long.
_LONG = (
    "import sys, tqdm; from deepexplain_tf.cli import main as cli, progress; progress._DELAY = 0.0\n"
    "shown = tqdm.tqdm.__init__; tqdm.tqdm.__init__ = lambda *a, **k: shown(*a, **{**k, 'delay': 0})\n"
    "sys.exit(sum(cli.main(line.split()) for line in sys.argv[1:]))"
)


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    layers = [keras.layers.Dense(3, "relu"), keras.layers.Dense(2, "softmax")]
    keras.Sequential([keras.Input((4,)), *layers]).export(folder / "net", verbose=False)
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32))
    given = {
        "coverage": "--summary",
        "explain": f"--input={folder}/x.npy --method=ig --out={folder}/why",
        "evaluate": f"--input={folder}/x.npy --methods=deeplift --metrics=deletion --overwrite --out={folder}/scores",
        "export": f"--method=deeplift --out={folder}/served",
    }
    return [f"{name} --model={folder}/net {flags}" for name, flags in given.items()]


@pytest.mark.long  # four commands in a process; tests/cli/progress_test.py has the lines of a log
def test_a_log_has_finished_steps_alone(commands):
    done = _python("-c", _LONG, *commands)
    assert done.returncode == 0
    assert "\r" not in done.stderr
    told = [re.sub(r" \d+\.\d s$", "", line) for line in done.stderr.splitlines()]
    starting, reading = "starting TensorFlow:", "reading the model and the inputs:"
    explain, evaluate = [starting, reading, "drawing:"], [starting, reading]
    assert told == [starting, "reading the model:", *explain, *evaluate, starting, "exporting:"]


@pytest.mark.long  # tests/cli/progress_test.py the bars
def test_a_terminal_has_bars(commands):
    termios = pytest.importorskip("termios", reason="there are no pseudo-terminals on this system")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    arguments = [sys.executable, "-c", _LONG, *commands[1:3]]
    with subprocess.Popen(arguments, cwd=_ROOT, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=theirs) as running:
        os.close(theirs)
        drawn = "".join(iter(lambda: _read(ours), ""))
    os.close(ours)
    assert running.returncode == 0
    reading = "reading the model and the inputs"
    for doing in ("starting TensorFlow", reading, "IntegratedGradients", "drawing", "comparing"):
        assert f"\r{doing}: " in drawn


def _read(terminal):
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:  # the other end is closed
        return ""


def test_a_reader_that_has_seen_enough_is_no_failure():
    read, write = os.pipe()
    os.close(read)
    code = "from deepexplain_tf.cli import main as cli; cli.run()"
    arguments = [sys.executable, "-c", code, "--help"]
    done = subprocess.run(arguments, cwd=_ROOT, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_starts_without_tensorflow():
    code = "import sys, deepexplain_tf.cli.main as cli; cli.main(['--help']); sys.exit('tensorflow' in sys.modules)"
    assert _python("-c", code).returncode == 0


@pytest.mark.long  # a process of its own
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
        if "script.run(EXPERIMENT)" in script:  # the flags that all experiments share
            script += (_ROOT / "examples/reproductions/script.py").read_text()
        given = re.findall(r"^--(\w+)=", config.read_text(), re.MULTILINE)
        assert all(re.search(rf'DEFINE_\w+\(\s*"{name}"', script) for name in given)
        return
    name, *arguments = [word.replace("configs/", f"{config.parent}/") for word in words]
    command, values = cli._new_command(name)
    cli._parse(name, command, values, arguments)


def test_configs_are_found():
    assert _CONFIGS
