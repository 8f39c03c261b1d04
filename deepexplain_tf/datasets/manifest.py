"""The manifest of a folder of shards: what was explained how, and which shards are whole."""

from collections.abc import Mapping
import dataclasses
import json
import pathlib
from typing import Any

from deepexplain_tf.errors import InputError, OptionError, shortened
from deepexplain_tf.writing.atomic import atomic_file
from deepexplain_tf.writing.json_values import to_json

NAME = "manifest.json"
_FORMAT = "deepexplain_tf.dataset/1"


@dataclasses.dataclass
class Manifest:
    """The facts about a run, as the file has them.

    Attributes:
      source: what the source tells of itself.
      explainer: what the explainer tells of itself.
      options: the arguments on which bytes depend.
      versions: the versions of libraries, with the number of the first shard that they wrote.
      shard_size: the number of source rows of a shard; None until it is known.
      row_shapes: the shapes of one example; None until they are known.
      columns: name → dtype and shape of one example; empty until they are known.
      shards: for each whole shard its `file` (None if no row was good), `rejected_file`, `first_row`, the number of
        source rows `read`, and of `rows` and `rejected` ones.
      finished: whether the source was read to its end.
    """

    source: dict[str, Any]
    explainer: dict[str, Any]
    options: dict[str, Any]
    versions: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    shard_size: int | None = None
    row_shapes: list[list[int | None] | None] | None = None
    columns: dict[str, Any] = dataclasses.field(default_factory=dict)
    shards: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    finished: bool = False

    @property
    def next_row(self) -> int:
        """The number of the first source row that is in no whole shard."""
        return sum(shard["read"] for shard in self.shards)

    @property
    def rows(self) -> int:
        """The number of explained rows."""
        return sum(shard["rows"] for shard in self.shards)

    @property
    def rejected(self) -> int:
        """The number of rows set aside."""
        return sum(shard["rejected"] for shard in self.shards)

    def write(self, folder: pathlib.Path) -> None:
        """Writes the file, in one step."""
        text = json.dumps({"format": _FORMAT, **to_json(vars(self))}, indent=1, ensure_ascii=False)
        with atomic_file(folder / NAME) as file:
            file.write(text.encode())

    def require_same(self, other: "Manifest") -> None:
        """Raises OptionError, which names the first difference, if another run is not the same as this one."""
        for field in ("source", "explainer", "options"):
            found = _difference(getattr(self, field), to_json(getattr(other, field)), field)
            if found:
                raise OptionError(
                    f"a run goes on in its folder with the same arguments; others need another folder. Got {found}."
                )


def read(folder: pathlib.Path) -> Manifest | None:
    """Returns the manifest of a folder, None where there is none.

    Raises:
      InputError: it is damaged, or of another format.
    """
    try:
        found = json.loads((folder / NAME).read_text("utf-8"))
        if found.pop("format") != _FORMAT:
            raise ValueError("another format")
        return Manifest(**found)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / NAME} must be a manifest of format {_FORMAT!r}. Got: {error}") from None


def _difference(there: Any, now: Any, path: str) -> str | None:
    if isinstance(there, Mapping) and isinstance(now, Mapping):
        for name in sorted({*there, *now}):
            found = _difference(there.get(name), now.get(name), f"{path}.{name}")
            if found:
                return found
        return None
    return None if there == now else f"{path} = {shortened(now)}, and the folder was begun with {shortened(there)}"
