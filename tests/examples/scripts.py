"""Scripts of `examples/`, run as a user runs them."""

from collections.abc import Callable
import dataclasses
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class QuickRun:
    """A run of a script from its quick configuration: what it printed, and the folder where it wrote all files."""

    printed: str
    folder: pathlib.Path

    def file(self, ending: str) -> pathlib.Path:
        """Returns the only file that ends so."""
        (found,) = self.folder.glob(f"*{ending}")
        return found

    @property
    def page(self) -> str:
        """The page, in Markdown."""
        return self.file(".md").read_text("utf-8")


QuickRuns = Callable[[str], QuickRun]


def run(script: str, *flags: str, cwd: pathlib.Path | None = None) -> str:
    """Returns what a script prints, which must end well; it runs in the folder `cwd`."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, ROOT / "examples" / script, *flags]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def quick_configuration(name: str) -> str:
    """Returns the flag that names the quick configuration of a script."""
    return f"--flagfile={ROOT / 'configs' / name}_quick.cfg"
