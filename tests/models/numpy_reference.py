"""The models' forward passes in NumPy, written from their equations.

docs/models/, one sequence at a time and in float64: nothing here knows of
batches, padding, masks or TensorFlow. A "linear" is a pair (kernel [in, out],
bias [out]); a recurrent layer is a triple (kernel, recurrent kernel, bias) as
Keras stores it.
"""

from typing import NamedTuple

import numpy as np

PAD_ID, UNKNOWN_ID, START_ID, END_ID = range(4)


class Gaussian(NamedTuple):
    """Mean and log-variance of a diagonal Gaussian."""

    mean: np.ndarray
    log_variance: np.ndarray

    def sample(self, epsilon):
        return self.mean + np.exp(self.log_variance / 2) * epsilon

    def log_density(self, value):
        squares = (value - self.mean) ** 2 / np.exp(self.log_variance)
        return -0.5 * np.sum(
            np.log(2 * np.pi) + self.log_variance + squares, axis=-1
        )

    def divergence(self, other):
        """KL(self || other), summed over the dimensions."""
        ratio = np.exp(self.log_variance - other.log_variance)
        squares = (self.mean - other.mean) ** 2 / np.exp(other.log_variance)
        difference = other.log_variance - self.log_variance
        return 0.5 * np.sum(ratio + squares - 1 + difference, axis=-1)


class Result(NamedTuple):
    """What a model computes for one sequence.

    Attributes:
        logits: [time, ..., V].
        nll: -log p(x | z), the mean where there are several z.
        divergences: The KL terms, one for each latent variable, z1 first.
        code: What the decoder starts from.
        posterior: Gaussians of the inference network, z1 first.
        generated: Gaussians of the generative network, from the top down.
        log_ratio: log q(z | x) - log p(z) at the sample; None without prior.
    """

    logits: np.ndarray
    nll: float
    divergences: list
    code: np.ndarray
    posterior: list
    generated: list
    log_ratio: float | None


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def log_softmax(x):
    shifted = x - np.max(x, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def linear(weights, x):
    kernel, bias = weights
    return x @ kernel + bias


def without(scores, tokens):
    """Scores [..., V], such that the tokens have no probability."""
    scores = np.array(scores)
    scores[..., tokens] = -np.inf
    return scores


def next_token_logits(weights, hidden):
    """Logits [..., V] from hidden states: all that may follow has some."""
    return without(linear(weights["output"], hidden), [PAD_ID, START_ID])


def standard_gaussian(size):
    return Gaussian(np.zeros(size), np.zeros(size))


# -- Recurrence: a state is (hidden, cell) for an LSTM, (hidden,) for a GRU ----


def lstm_step(weights, x, state):
    """One step; gates in Keras's order: input, forget, candidate, output."""
    kernel, recurrent_kernel, bias = weights
    hidden, cell = state
    gates = x @ kernel + hidden @ recurrent_kernel + bias
    write, keep, candidate, read = np.split(gates, 4, axis=-1)
    cell = sigmoid(keep) * cell + sigmoid(write) * np.tanh(candidate)
    hidden = sigmoid(read) * np.tanh(cell)
    return hidden, (hidden, cell)


def gru_step(weights, x, state):
    """One step; the reset gate acts after the product (Keras's reset_after).

    Gates in Keras's order: update, reset, candidate.
    """
    kernel, recurrent_kernel, (bias, recurrent_bias) = weights
    (hidden,) = state
    from_input = np.split(x @ kernel + bias, 3, axis=-1)
    from_hidden = np.split(
        hidden @ recurrent_kernel + recurrent_bias, 3, axis=-1
    )
    update = sigmoid(from_input[0] + from_hidden[0])
    reset = sigmoid(from_input[1] + from_hidden[1])
    candidate = np.tanh(from_input[2] + reset * from_hidden[2])
    hidden = update * hidden + (1 - update) * candidate
    return hidden, (hidden,)


def gru_step_of_keras_2(weights, x, state):
    """One step; the reset gate acts before the product, gates are clipped."""
    kernel, recurrent_kernel, bias = weights
    (hidden,) = state
    from_input = np.split(x @ kernel + bias, 3, axis=-1)
    of_update, of_reset, of_candidate = np.split(recurrent_kernel, 3, axis=-1)
    update = np.clip(0.2 * (from_input[0] + hidden @ of_update) + 0.5, 0, 1)
    reset = np.clip(0.2 * (from_input[1] + hidden @ of_reset) + 0.5, 0, 1)
    candidate = np.tanh(from_input[2] + (reset * hidden) @ of_candidate)
    hidden = update * hidden + (1 - update) * candidate
    return hidden, (hidden,)


def step(weights, x, state):
    """Told by the biases: four gates of an LSTM, three or two times three."""
    bias, units = weights[2], np.shape(weights[1])[0]
    if np.ndim(bias) == 2:
        return gru_step(weights, x, state)
    is_lstm = len(bias) == 4 * units
    return (lstm_step if is_lstm else gru_step_of_keras_2)(weights, x, state)


def zero_state(weights, rows=()):
    units = np.shape(weights[1])[0]
    count = 2 if np.shape(weights[2]) == (4 * units,) else 1
    return tuple(np.zeros((*rows, units)) for _ in range(count))


def run_layer(weights, inputs, state):
    """Inputs [time, ..., features] to outputs [time, ..., units]."""
    outputs = []
    for x in inputs:
        output, state = step(weights, x, state)
        outputs.append(output)
    return np.stack(outputs), state


def run_stack(layers, inputs, states=None):
    """The top layer's outputs and the final state of every layer."""
    final = []
    for index, weights in enumerate(layers):
        state = states[index] if states else zero_state(weights)
        inputs, state = run_layer(weights, inputs, state)
        final.append(state)
    return inputs, final


def run_both_ways(forward, backward, inputs):
    """Two independent stacks, joined at the top: [time, 2 * units]."""
    ahead, _ = run_stack(forward, inputs)
    back, _ = run_stack(backward, inputs[::-1])
    return np.concatenate([ahead, back[::-1]], axis=-1)


# -- What the models share -----------------------------------------------------


def gaussian(heads, features):
    """Heads: the linears of mean and log-variance."""
    mean, log_variance = heads
    return Gaussian(linear(mean, features), linear(log_variance, features))


def first_state(weights, code):
    """In what state every layer of the decoder starts, for codes [..., C].

    `weights["initial"]` holds linears to (hidden, cell), or to (hidden,), and
    `weights["initial_map"]` a matrix to the hidden state. Without either, all
    is zero.
    """
    if "initial" in weights:
        return tuple(elu(linear(head, code)) for head in weights["initial"])
    zeros = zero_state(weights["decoder"][0], np.shape(code)[:-1])
    if "initial_map" in weights:
        return code @ weights["initial_map"], *zeros[1:]
    return zeros


def decode_hidden(
    weights, tokens, code, feed_latent=False, inputless=False, factors=1.0
):
    """Outputs [time, ..., H] for the targets tokens[1:], codes [..., C].

    The code is joined to every embedded word if `feed_latent`. `factors`
    [time, E] are what dropout multiplies the embedded words by.
    """
    words = np.array(tokens[:-1])
    if inputless:
        words = np.where(words == START_ID, START_ID, UNKNOWN_ID)
    embedded = weights["embedding"][words] * factors  # [time, E]
    extra = (1,) * (np.ndim(code) - 1)
    inputs = embedded.reshape(len(embedded), *extra, -1)
    if feed_latent:
        shape = (len(embedded), *np.shape(code)[:-1])
        inputs = np.broadcast_to(inputs, (*shape, inputs.shape[-1]))
        joined = np.broadcast_to(code, (*shape, np.shape(code)[-1]))
        inputs = np.concatenate([inputs, joined], axis=-1)
    states = [first_state(weights, code)] * len(weights["decoder"])
    hidden, _ = run_stack(weights["decoder"], inputs, states)
    return hidden


def decode(weights, tokens, code, **options):
    """Logits [time, ..., V] for the targets tokens[1:], codes [..., C]."""
    hidden = decode_hidden(weights, tokens, code, **options)
    return next_token_logits(weights, hidden)


def log_likelihood(weights, tokens, code, **options):
    """log p(x | code), shape [...] for codes [..., C]."""
    return at_targets(decode(weights, tokens, code, **options), tokens)


def at_targets(logits, tokens):
    """Log-likelihoods [...] from logits [time, ..., V]."""
    log_probabilities = log_softmax(logits)
    of_targets = [
        log_probabilities[time, ..., target]
        for time, target in enumerate(tokens[1:])
    ]
    return np.sum(of_targets, axis=0)


def bag_of_words(weights, tokens, code):
    """Log-likelihood of the words alone, the end token left out."""
    hidden, logits = weights["bag_of_words"]
    scores = linear(logits, np.tanh(linear(hidden, code)))
    scores = without(scores, [PAD_ID, START_ID, END_ID])
    return np.sum(log_softmax(scores)[..., tokens[1:-1]], axis=-1)


# -- Sentence VAE --------------------------------------------------------------


def sentence_vae_features(weights, tokens):
    embedded = weights["embedding"][tokens[:-1]]
    _, states = run_stack(weights["encoder"], embedded)
    hidden, *cell = states[-1]
    return np.concatenate([*cell, hidden])


def sentence_vae_posterior(weights, tokens):
    return gaussian(weights["head"], sentence_vae_features(weights, tokens))


def sentence_vae_direction(weights, tokens):
    """Mean direction of a von Mises-Fisher posterior."""
    features = sentence_vae_features(weights, tokens)
    direction = linear(weights["head"], features)
    return direction / np.linalg.norm(direction)


def sentence_vae(weights, tokens, epsilon):
    """One sequence of ids, epsilon [Z]."""
    posterior = sentence_vae_posterior(weights, tokens)
    prior = standard_gaussian(len(epsilon))
    z = posterior.sample(epsilon)
    return Result(
        logits=decode(weights, tokens, z),
        nll=-log_likelihood(weights, tokens, z),
        divergences=[posterior.divergence(prior)],
        code=z,
        posterior=[posterior],
        generated=[],
        log_ratio=posterior.log_density(z) - prior.log_density(z),
    )


# -- LSTM-LM and LSTM-VAE ------------------------------------------------------


def lstm_lm(weights, tokens, outputs=1.0, **options):
    """Logits and log p(x) of one sequence of ids.

    `outputs` [time, H] are what dropout multiplies the hidden states by.
    """
    hidden = decode_hidden(weights, tokens, np.zeros(0), **options)
    logits = next_token_logits(weights, hidden * outputs)
    return logits, at_targets(logits, tokens)


def lstm_vae_posterior(weights, tokens):
    embedded = weights["encoder_embedding"][tokens]
    _, states = run_stack(weights["encoder"], embedded)
    return gaussian(weights["head"], states[-1][0])


def lstm_vae(
    weights,
    tokens,
    epsilon,
    averages_states=False,
    feed_latent=True,
    outputs=1.0,
    **options,
):
    """One sequence of ids, epsilon [L, Z].

    `outputs` [time, L, H] are what dropout multiplies the hidden states by,
    [time, H] where they are averaged first.
    """
    posterior = lstm_vae_posterior(weights, tokens)
    prior = standard_gaussian(np.shape(epsilon)[-1])
    z = posterior.sample(epsilon)
    hidden = decode_hidden(weights, tokens, z, feed_latent, **options)
    if averages_states:
        hidden = np.mean(hidden, axis=1)
    logits = next_token_logits(weights, hidden * outputs)
    log_ratio = posterior.log_density(z) - prior.log_density(z)
    return Result(
        logits=logits,
        nll=-np.mean(at_targets(logits, tokens)),
        divergences=[posterior.divergence(prior)],
        code=z,
        posterior=[posterior],
        generated=[],
        log_ratio=np.sum(log_ratio) if averages_states else log_ratio,
    )


# -- HDGM ----------------------------------------------------------------------


def attend(weights, outputs):
    """Attention over time: outputs [time, D] to [D]."""
    kernel, bias, context = weights
    scores = np.tanh(outputs @ kernel + bias) @ context
    return np.exp(log_softmax(scores)) @ outputs


def broad_memory(weights, tokens):
    embedded = weights["embedding"][tokens[:-1]]
    outputs = run_both_ways(weights["forward"], weights["backward"], embedded)
    return attend(weights["attention"], outputs)


def latent_level(level, cells, inputs, states):
    """A level's Gaussian, and what the deep memory keeps for the next one.

    Without cells the heads read the inputs; with cells they read the top cell,
    and the inputs first go through the level's projection.
    """
    if not cells:
        return gaussian(level["head"], inputs), states
    x = linear(level["projection"], inputs)
    kept = []
    for cell, state in zip(cells, states, strict=True):
        x, state = lstm_step(cell, x, state)
        kept.append(state)
    return gaussian(level["head"], x), kept


def empty_memory(cells, rows=()):
    return [zero_state(cell, rows) for cell in cells]


def climb(weights, memory, epsilons):
    """The inference network: [m; m], [m; z1], [m; z2] and so on."""
    cells = weights["inference_cells"]
    states, below = empty_memory(cells), memory
    gaussians, values = [], []
    levels = weights["inference_levels"]
    for level, epsilon in zip(levels, epsilons, strict=True):
        inputs = np.concatenate([memory, below])
        each, states = latent_level(level, cells, inputs, states)
        below = each.sample(epsilon)
        gaussians.append(each)
        values.append(below)
    return gaussians, values


def hdgm(weights, tokens, inferred, generated, objective):
    """One sequence of ids.

    `inferred` is the noise of z1 ... zL, `generated` that of the generative
    network from the top down; the bound, which scores the inferred values,
    does not use the latter.
    """
    memory = broad_memory(weights, tokens)
    posterior, values = climb(weights, memory, inferred)
    if objective == "reference":
        return _hdgm_reference(
            weights, tokens, memory, posterior, values, generated
        )
    return _hdgm_bound(weights, tokens, posterior, values)


def _hdgm_reference(weights, tokens, memory, posterior, values, epsilons):
    cells = weights["generation_cells"]
    states, above = empty_memory(cells), values[-1]
    generated, samples = [], []
    levels = weights["generation_levels"]
    for level, epsilon in zip(levels, epsilons, strict=True):
        inputs = np.concatenate([memory, above])
        each, states = latent_level(level, cells, inputs, states)
        above = each.sample(epsilon)
        generated.append(each)
        samples.append(above)
    divergences = [posterior[0].divergence(standard_gaussian(len(values[0])))]
    for number, rival in enumerate(reversed(generated), start=1):
        divergences.append(posterior[number].divergence(rival))
    code = np.concatenate([memory, *values, *samples])
    return Result(
        logits=decode(weights, tokens, code),
        nll=-log_likelihood(weights, tokens, code),
        divergences=divergences,
        code=code,
        posterior=posterior,
        generated=generated,
        log_ratio=None,
    )


def hdgm_priors(weights, values):
    """p(z_{L-1} | z_L), ..., p(z1 | z2) at the values z1 ... zL [..., Z]."""
    cells = weights["generation_cells"]
    states = empty_memory(cells, np.shape(values[-1])[:-1])
    priors = []
    for level, above in zip(
        weights["generation_levels"], values[:0:-1], strict=True
    ):
        each, states = latent_level(level, cells, above, states)
        priors.append(each)
    return priors


def _hdgm_bound(weights, tokens, posterior, values):
    priors = hdgm_priors(weights, values)
    top_prior = standard_gaussian(len(values[-1]))
    lower = [
        q.log_density(z) - p.log_density(z)
        for q, p, z in zip(
            posterior[:-1], reversed(priors), values[:-1], strict=True
        )
    ]
    top_ratio = posterior[-1].log_density(values[-1])
    top_ratio -= top_prior.log_density(values[-1])
    code = np.concatenate(values)
    return Result(
        logits=decode(weights, tokens, code),
        nll=-log_likelihood(weights, tokens, code),
        divergences=[*lower, posterior[-1].divergence(top_prior)],
        code=code,
        posterior=posterior,
        generated=priors,
        log_ratio=sum(lower) + top_ratio,
    )
