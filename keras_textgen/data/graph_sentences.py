"""Splitting documents into sentences by TensorFlow, so in SavedModels, too."""

import tensorflow as tf

# Control characters, which no text holds once its white space is normalized.
_BREAK, _DOT = "\x1e", "\x1f"
_EMPTY_LINE = r"\r?\n[ \t]*\r?\n"
_ABBREVIATION = (
    r"\b(Mr|Mrs|Ms|Messrs|Dr|Prof|Rev|Hon|Gen|Col|Capt|Lt|Sen|Rep|Gov|Pres|St"
    r"|Mt|Jr|Sr|vs|No|Nos|Vol|Art|Sec|Inc|Co|Corp|Ltd|Jan|Feb|Aug|Sept|Oct|Nov"
    r"|Dec|e\.g|i\.e|\p{Lu})\."
)
# The mark with what closes after it, a space, and what begins a sentence.
_END = (
    r"([.!?\x{2026}][.!?\x{2026}\"'\x{2019}\x{201D})\]]*) "
    r"([\"'\x{2018}\x{201C}(\[]*[\p{Lu}\p{N}])"
)


def split_sentences_in_graph(texts: tf.Tensor) -> tf.RaggedTensor:
    r"""Splits documents into sentences, alike in Python and in a SavedModel.

    A sentence ends at an empty line, and at `.`, `!`, `?` or an ellipsis, with
    closing quotes and brackets, before a space and a capital letter or a
    digit; not after an initial or one of some forty abbreviations. Languages
    without these marks are not split.

    Args:
        texts: strings `[batch]`.

    Returns:
        RaggedTensor of strings `[batch, (sentences)]`, each on one line.

    Example:
        >>> texts = tf.constant(["Mr. Fox paid\n$1.50. Why?\n\nWe ask."])
        >>> split_sentences_in_graph(texts)
        <tf.RaggedTensor [[b'Mr. Fox paid $1.50.', b'Why?', b'We ask.']]>
    """
    for pattern, replacement in (
        (rf"[{_BREAK}{_DOT}]", " "),
        (_EMPTY_LINE, _BREAK),
        (rf"[^\S{_BREAK}]+", " "),
        (_ABBREVIATION, rf"\1{_DOT}"),
        (_END, rf"\1{_BREAK}\2"),
        (_DOT, "."),
    ):
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    sentences = tf.strings.split(texts, _BREAK)
    stripped = tf.strings.strip(sentences.flat_values)
    sentences = sentences.with_flat_values(stripped)
    return tf.ragged.boolean_mask(sentences, sentences != "")
