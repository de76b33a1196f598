"""Subwords from files: of SentencePiece, and of Hugging Face's tokenizers."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from keras_textgen.checks import refused, refused_in
from keras_textgen.data.subwords.byte_pairs import BytePairs
from keras_textgen.data.subwords.messages import (
    Piece,
    PieceType,
    write_model,
)
from keras_textgen.data.subwords.sentence_pieces import SPACE, SentencePieces
from keras_textgen.data.subwords.word_pieces import (
    PREFIX,
    WordPieces,
    WordRules,
)

Subwords = SentencePieces | WordPieces | BytePairs

_FILES = "a .model of SentencePiece, or a tokenizer.json of Hugging Face"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
# What SentencePiece does with its normalized text anyhow.
_ONE_SPACE = (" ", SPACE)
_SPACES = {"Regex": " {2,}"}
# Of BPE, what changes how pairs are merged.
_BPE_OPTIONS = (
    "dropout",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "byte_fallback",
    "ignore_merges",
)


def read_subwords(
    path: str | os.PathLike,
) -> Subwords:
    """Reads a `.model` or a `tokenizer.json`.

    Args:
        path: of the file; what it is shows in its content.

    Returns:
        What splits texts into its subwords.

    Raises:
        ValueError: the file cannot be read, or holds what is not allowed.

    Example:
        >>> read_subwords("nowhere.model")
        Traceback (most recent call last):
        ValueError: nowhere.model: No such file or directory; allowed: a \
.model of SentencePiece, or a tokenizer.json of Hugging Face
    """
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise refused(f"{os.fspath(path)}: {error.strerror}", _FILES) from None
    try:
        if content.lstrip()[:1] == b"{":
            return _of_json(content)
        return SentencePieces(content)
    except ValueError as error:
        raise refused_in(os.fspath(path), error) from None


def _of_json(content: bytes) -> Subwords:
    try:
        tokenizer = json.loads(content)
    except ValueError:  # UnicodeDecodeError, too
        raise refused("text that is no JSON", _FILES) from None
    model = tokenizer.get("model")
    if not isinstance(model, dict) or "vocab" not in model:
        raise refused("a JSON file without a model and its vocab", _FILES)
    kind = model.get("type") or _kind_of(model)
    if kind not in _KINDS:
        raise refused(f"a tokenizer of model {kind!r}", " or ".join(_KINDS))
    try:
        return _KINDS[kind](tokenizer, model)
    except (KeyError, TypeError, AttributeError) as error:
        raise refused(
            f"a {kind} tokenizer with something missing or out of place "
            f"({type(error).__name__}: {error})",
            "a tokenizer.json as the library tokenizers writes it",
        ) from None


def _kind_of(model: dict[str, Any]) -> str:
    """The type of a model in a file of before it was written."""
    if "merges" in model:
        return "BPE"
    return "Unigram" if isinstance(model["vocab"], list) else "WordPiece"


def _special_tokens(tokenizer: dict[str, Any]) -> set[str]:
    added = tokenizer.get("added_tokens") or []
    for token in added:
        if not token.get("special"):
            raise refused(
                f"the added token {token['content']!r}, which is cut out of "
                "texts before they are split",
                "special tokens, which no text has",
            )
    return {token["content"] for token in added}


def _pieces_of(model: dict[str, Any], special: set[str]) -> list[str]:
    """The pieces that a text may have, in the order of their ids."""
    pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return [piece for piece in pieces if piece not in special]


def _parts(part: dict[str, Any] | None, listed: str) -> list[dict[str, Any]]:
    """The parts of a normalizer or a pre-tokenizer, one after another."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        return [
            inner for each in part[listed] for inner in _parts(each, listed)
        ]
    return [part]


def _refuse(what: str, part: dict[str, Any], allowed: str) -> None:
    settings = ", ".join(
        f"{name}={value!r:.40}"
        for name, value in part.items()
        if name != "type"
    )
    raise refused(f"{what} {part['type']}({settings})", allowed)


# -- WordPiece ----------------------------------------------------------------


def _word_pieces(
    tokenizer: dict[str, Any], model: dict[str, Any]
) -> WordPieces:
    special = {*_special_tokens(tokenizer), model["unk_token"]}
    rules = {"most_characters": model.get("max_input_chars_per_word", 100)}
    for part in _parts(tokenizer.get("normalizer"), "normalizers"):
        rules |= _rules_of(part)
    splits = _parts(tokenizer.get("pre_tokenizer"), "pretokenizers")
    for part in splits:
        if part["type"] not in ("BertPreTokenizer", "WhitespaceSplit"):
            _refuse("pre-tokenizer", part, "BertPreTokenizer, WhitespaceSplit")
        rules["parts_punctuation"] = part["type"] == "BertPreTokenizer"
    if len(splits) != 1:
        raise refused(
            f"{len(splits)} pre-tokenizers of WordPiece",
            "one, BertPreTokenizer or WhitespaceSplit",
        )
    return WordPieces(
        _pieces_of(model, special),
        WordRules(**rules),
        model.get("continuing_subword_prefix", PREFIX),
    )


def _rules_of(part: dict[str, Any]) -> dict[str, Any]:
    """What a normalizer does beyond the normalization of all texts."""
    kind = part["type"]
    if kind == "BertNormalizer":
        strips = part.get("strip_accents")
        return {
            "is_lower": part["lowercase"],
            "strips_accents": part["lowercase"] if strips is None else strips,
            "parts_ideographs": part["handle_chinese_chars"],
        }
    if kind == "Lowercase":
        return {"is_lower": True}
    if kind != "NFC":  # All texts are in this form.
        _refuse("normalizer", part, "BertNormalizer, Lowercase, NFC")
    return {}


# -- Unigram ------------------------------------------------------------------


def _unigram(
    tokenizer: dict[str, Any], model: dict[str, Any]
) -> SentencePieces:
    unknown = model.get("unk_id")
    if unknown is None:
        raise refused("a Unigram model without unk_id", "one with it")
    special = _special_tokens(tokenizer)
    has_bytes = bool(model.get("byte_fallback"))

    def type_of(place: int, name: str) -> PieceType:
        if place == unknown:
            return PieceType.UNKNOWN
        if name in special:
            return PieceType.CONTROL
        is_byte = has_bytes and _BYTE.fullmatch(name)
        return PieceType.BYTE if is_byte else PieceType.NORMAL

    pieces = [
        Piece(name, float(score), type_of(place, name))
        for place, (name, score) in enumerate(model["vocab"])
    ]
    _check_spaces(tokenizer, pieces)
    return SentencePieces(
        write_model(pieces, _character_map(tokenizer), unknown, has_bytes)
    )


def _character_map(tokenizer: dict[str, Any]) -> bytes | None:
    """The compiled rules of normalization, if there are any."""
    found = None
    for part in _parts(tokenizer.get("normalizer"), "normalizers"):
        if part["type"] == "Precompiled":
            found = base64.b64decode(part["precompiled_charsmap"])
        elif part["type"] == "Replace" and part["pattern"] == _SPACES:
            if part["content"] not in _ONE_SPACE:
                _refuse("normalizer", part, "one space for several")
        elif part["type"] != "NFC":  # All texts are in this form.
            _refuse("normalizer", part, "Precompiled, NFC, Replace of spaces")
    return found


def _check_spaces(tokenizer: dict[str, Any], pieces: Sequence[Piece]) -> None:
    """Refuses what treats spaces in another way than SentencePiece."""
    parts = _parts(tokenizer.get("pre_tokenizer"), "pretokenizers")
    kinds = [part["type"] for part in parts]
    if kinds not in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
        raise refused(
            f"pre-tokenizers {', '.join(kinds) or 'none'} of Unigram",
            "Metaspace, alone or behind WhitespaceSplit",
        )
    rule = parts[-1]
    scheme = rule.get("prepend_scheme", "always")
    if (
        rule.get("replacement", SPACE) != SPACE
        or scheme != "always"
        or not rule.get("add_prefix_space", True)
    ):
        _refuse("pre-tokenizer", rule, f"{SPACE} before each text")
    if len(kinds) == 1 and not rule.get("split", True):
        return
    across = [
        piece.name
        for piece in pieces
        if piece.type == PieceType.NORMAL and SPACE in piece.name[1:]
    ]
    if across:
        raise refused(
            f"the piece {across[0]!r} across words, which are split first",
            "pieces within words",
        )


# -- Byte-level BPE -----------------------------------------------------------


def _byte_pairs(tokenizer: dict[str, Any], model: dict[str, Any]) -> BytePairs:
    parts = _parts(tokenizer.get("pre_tokenizer"), "pretokenizers")
    kinds = [part["type"] for part in parts]
    if kinds != ["ByteLevel"] or not parts[0].get("use_regex", True):
        raise refused(
            f"BPE behind {', '.join(kinds) or 'no pre-tokenizer'}",
            "ByteLevel alone, with the words of GPT-2 (use_regex)",
        )
    for part in _parts(tokenizer.get("normalizer"), "normalizers"):
        if part["type"] != "NFC":  # All texts are in this form.
            _refuse("normalizer", part, "NFC")
    for name in _BPE_OPTIONS:
        if model.get(name):
            raise refused(f"BPE with {name}={model[name]!r}", "BPE without it")
    return BytePairs(
        _pieces_of(model, _special_tokens(tokenizer)),
        [
            merge.split(" ") if isinstance(merge, str) else merge
            for merge in model["merges"]
        ],
        bool(parts[0].get("add_prefix_space")),
    )


_KINDS: dict[str, Callable[..., Subwords]] = {
    "WordPiece": _word_pieces,
    "Unigram": _unigram,
    "BPE": _byte_pairs,
}
