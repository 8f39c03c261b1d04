"""Pieces of words, as tokenisers make them, joined to whole words."""

from collections.abc import Sequence

_CONTINUES = "##"  # WordPiece marks each piece but the first of a word
_BEGINS = ("▁", "Ġ")  # SentencePiece, and byte-pair encodings of bytes, mark the blank before a word
_ENDS = "</w>"  # older byte-pair encodings mark the last piece of a word
_GOES_ON = "@@"  # and some of them each piece but the last


def join_pieces(tokens: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Returns the words of a row of tokens, each with the positions of its pieces; padding, "", is left out.

    The marks of WordPiece (`##ing`), SentencePiece (`▁the`), byte-pair encodings of bytes (`Ġthe`, where the first word
    has no mark) and those with `</w>` or `@@` are understood; of tokens without any mark, each is a word. Tokens in
    brackets, such as `[CLS]`, `<s>` and `<|endoftext|>`, are words by themselves.
    """
    begins = any(token.startswith(_BEGINS) for token in tokens)
    ends = any(token.endswith(_ENDS) for token in tokens)
    words: list[tuple[str, list[int]]] = []
    inside = False  # whether the next token may go on with the last word
    for position, token in enumerate(tokens):
        if not token:
            inside = False
            continue
        special = _is_special(token)
        goes_on = inside and not special and (token.startswith(_CONTINUES) or ends or _open(words, tokens))
        goes_on = goes_on or (inside and not special and begins and not token.startswith(_BEGINS))
        text = _plain(token)
        if goes_on:
            word, positions = words[-1]
            words[-1] = (word + text, [*positions, position])
        else:
            words.append((text, [position]))
        inside = not special and not token.endswith(_ENDS)
    return words


def _open(words: Sequence[tuple[str, list[int]]], tokens: Sequence[str]) -> bool:
    """Whether the last piece says that its word goes on."""
    return bool(words) and tokens[words[-1][1][-1]].endswith(_GOES_ON)


def _is_special(token: str) -> bool:
    return len(token) > 2 and (token[0], token[-1]) in (("[", "]"), ("<", ">")) and token != _ENDS


def _plain(token: str) -> str:
    """Returns a token without its marks; one that is nothing but a mark stays."""
    text = token.removeprefix(_CONTINUES).removesuffix(_ENDS).removesuffix(_GOES_ON)
    for mark in _BEGINS:
        text = text.removeprefix(mark)
    return text or token
