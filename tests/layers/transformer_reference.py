"""Transformers in NumPy, from the equations, a row and a token at a time."""

import numpy as np
from scipy.special import erf


def norm(layer, vector):
    """Layer normalization of a vector."""
    centered = vector - vector.mean()
    scale = np.sqrt(np.mean(centered**2) + 1e-5)
    return centered / scale * array(layer.gamma) + array(layer.beta)


def array(variable):
    return variable.numpy().astype(np.float64)


def dense(layer, vector):
    found = vector @ array(layer.kernel)
    return found + array(layer.bias) if layer.use_bias else found


def gelu(vector):
    return vector * (1 + erf(vector / np.sqrt(2))) / 2


def turned(vector, position):
    """The halves of a head are real and imaginary parts, times e^(i angle)."""
    half = len(vector) // 2
    angles = position * 10000.0 ** (-2 * np.arange(half) / len(vector))
    turned = (vector[:half] + 1j * vector[half:]) * np.exp(1j * angles)
    return np.concatenate([turned.real, turned.imag])


def heads(vector, layer):
    return np.split(vector, layer.num_heads)


def attention(layer, query, pairs):
    """What heads of a query find among pairs of keys and values by head."""
    found = []
    for head, of_query in enumerate(query):
        scores = np.array([of_query @ key[head] for key, _ in pairs])
        weights = np.exp(scores / np.sqrt(len(of_query)))
        values = np.array([value[head] for _, value in pairs])
        found.append(weights @ values / weights.sum())
    return dense(layer.output_map, np.concatenate(found))


def pair(layer, vector, position=None):
    """Key and value of a token, by head."""
    keys = heads(dense(layer.key, vector), layer)
    if position is not None:
        keys = [turned(key, position) for key in keys]
    return keys, heads(dense(layer.value, vector), layer)


def query(layer, vector, position=None):
    queries = heads(dense(layer.query, vector), layer)
    if position is None:
        return queries
    return [turned(each, position) for each in queries]


def block_outputs(block, tokens, is_read, before=(), crossed=()):
    """Outputs of a block for the tokens of a row.

    Args:
        block: A `TransformerBlock`.
        tokens: Vectors [time, H].
        is_read: Whether token i reads token j, a function.
        before: Pairs that a code puts before those of the tokens.
        crossed: Pairs of latent tokens.
    """
    place = (lambda i: i) if block.is_rotary else (lambda i: None)
    normal = [norm(block.attention_norm, each) for each in tokens]
    pairs = [pair(block.attention, x, place(i)) for i, x in enumerate(normal)]
    outputs = []
    for i, token in enumerate(tokens):
        seen = [each for j, each in enumerate(pairs) if is_read(i, j)]
        asked = query(block.attention, normal[i], place(i))
        x = token + attention(block.attention, asked, [*before, *seen])
        if crossed:
            asked = query(block.latent_attention, norm(block.latent_norm, x))
            x = x + attention(block.latent_attention, asked, crossed)
        wide = gelu(dense(block.wide, norm(block.feed_norm, x)))
        outputs.append(x + dense(block.narrow, wide))
    return np.array(outputs)


def entered(layer, inputs):
    """Embedded tokens [time, E] as the first block reads them."""
    tokens = inputs.astype(np.float64)
    if inputs.shape[1] != layer.units:
        tokens = np.array([dense(layer.of_inputs, each) for each in tokens])
    if layer.positions == "learned":
        vectors = array(layer.of_positions.embeddings)
        places = np.minimum(np.arange(len(tokens)), len(vectors) - 1)
        tokens = tokens + vectors[places]
    return tokens


def stack(layer, inputs, length):
    """Outputs [time, H] of a `TransformerStack` for a row of this length."""
    tokens = entered(layer, inputs)
    for block in layer.blocks:
        tokens = block_outputs(block, tokens, lambda i, j: j < length)
    return np.array([norm(layer.norm, each) for each in tokens])


def decoder(layer, inputs, code):
    """Outputs [time, H] of a `TransformerDecoder` for a row and its code."""
    tokens, slots = entered(layer, inputs), layer.latent_tokens
    mapped = [dense(each, code.astype(np.float64)) for each in layer.of_code]
    if layer.latent_injection == "embedding":
        tokens = tokens + sum(mapped)
    for number, block in enumerate(layer.blocks):
        before, crossed = [], []
        if mapped and layer.latent_injection == "memory":
            keys, values = np.split(mapped[number], 2)
            before = [
                (heads(key, block.attention), heads(value, block.attention))
                for key, value in zip(
                    np.split(keys, slots), np.split(values, slots), strict=True
                )
            ]
        if mapped and layer.latent_injection == "cross_attention":
            crossed = [
                pair(block.latent_attention, token)
                for token in np.split(mapped[0], slots)
            ]
        tokens = block_outputs(
            block, tokens, lambda i, j: j <= i, before, crossed
        )
    return np.array([norm(layer.norm, each) for each in tokens])
