"""Names that users give to features, words, classes and examples, read and checked."""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.errors import OptionError, closest, shortened


@dataclasses.dataclass(frozen=True)
class Names:
    """Names, as `Explanation` has them; None where there are none.

    Attributes:
      feature_names: a name for each entry along the last axis of attributions; of several arrays in their structure.
      tokens: a row for each example, with a text for each entry along the first axis behind the batch; likewise.
      class_names: a name for each unit of the model's output.
      example_names: a name for each example.
    """

    feature_names: Any = None
    tokens: Any = None
    class_names: tuple[str, ...] | None = None
    example_names: tuple[str, ...] | None = None


NAMES = tuple(field.name for field in dataclasses.fields(Names))
NAMELESS = Names()


def read_names(given: Names, structure: Any, shapes: Sequence[tuple[int | None, ...]], batch: int | None) -> Names:
    """Returns a user's names as tuples of strings, checked against what they name.

    Tokens may be fewer than the entries along their axis; the rest is padding, whose token is "".

    Args:
      given: the names as the user passed them: sequences, or arrays of strings; `feature_names` and `tokens` of several
        arrays in the structure of these, where a dict may leave arrays out and a list may hold None.
      structure: the structure of the attributions, with positions as leaves.
      shapes: for each array of attributions, the shape of one example.
      batch: the number of examples; None inside a graph.

    Raises:
      OptionError: another number of names, names that are no strings, or another structure.
    """
    if all(names is None for names in vars(given).values()):
        return given

    def of_last_axis(names: Any, shape: tuple[int | None, ...]) -> tuple[str, ...]:
        return _texts("feature_names", names, shape[-1] if shape else 1)

    def of_words(rows: Any, shape: tuple[int | None, ...]) -> tuple[tuple[str, ...], ...]:
        return _rows(rows, shape, batch)

    return Names(
        _in_structure("feature_names", given.feature_names, structure, shapes, of_last_axis),
        _in_structure("tokens", given.tokens, structure, shapes, of_words),
        None if given.class_names is None else _texts("class_names", given.class_names, None),
        None if given.example_names is None else _texts("example_names", given.example_names, batch),
    )


def _in_structure(option: str, given: Any, structure: Any, shapes: Sequence[Any], read: Any) -> Any:
    if given is None:
        return None
    if isinstance(structure, Mapping):
        if not isinstance(given, Mapping):
            raise OptionError(f"{option} must be a dict by names of {shortened(list(structure))}. Got {_kind(given)}.")
        for name in given:
            if name not in structure:
                raise OptionError(
                    f"{option} must be by names of inputs. Got {name!r}; {closest(str(name), structure)}."
                )
        return {name: read(names, shapes[structure[name]]) for name, names in given.items()}
    if isinstance(structure, list | tuple):
        if not isinstance(given, list | tuple) or len(given) != len(structure):
            raise OptionError(f"{option} must be a list with an entry for each of {len(structure)} inputs, or None.")
        pairs = zip(given, structure, strict=True)
        return type(structure)([None if names is None else read(names, shapes[at]) for names, at in pairs])
    return read(given, shapes[0])


def _rows(given: Any, shape: tuple[int | None, ...], batch: int | None) -> tuple[tuple[str, ...], ...]:
    if not shape:
        raise OptionError("tokens name the entries along an axis of the inputs. Got inputs [batch].")
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise OptionError(f"tokens must be a row of texts for each example. Got {_kind(given)}.")
    rows = [_texts("a row of tokens", row, None) for row in given]
    if batch not in (None, len(rows)):
        raise OptionError(f"tokens must be a row for each of {batch} examples. Got {len(rows)}.")
    length = shape[0]
    if length is None:
        return tuple(rows)
    for row in rows:
        if len(row) > length:
            raise OptionError(f"a row of tokens must have at most {length} texts, as the inputs have. Got {len(row)}.")
    return tuple((*row, *[""] * (length - len(row))) for row in rows)


def _texts(option: str, given: Any, count: int | None) -> tuple[str, ...]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise OptionError(f"{option} must be a sequence of texts. Got {_kind(given)}.")
    texts = tuple(_text(option, item) for item in given)
    if count not in (None, len(texts)):
        raise OptionError(f"{option} must be {count} texts, one for each. Got {len(texts)}.")
    return texts


def _text(option: str, item: Any) -> str:
    if isinstance(item, bytes):
        return item.decode(errors="replace")
    if isinstance(item, str):
        return str(item)
    if isinstance(item, int | float | np.integer | np.floating) and not isinstance(item, bool):
        return str(item)  # columns are often numbered
    raise OptionError(f"{option} must hold texts. Got {shortened(item)}.")


def _kind(given: Any) -> str:
    return shortened(given) if isinstance(given, str | bytes) else type(given).__name__
