"""The same models in PyTorch, as a careful user writes them.

With its own layers: `nn.LSTM`, `nn.GRU`, packed sequences where lengths
differ, `nn.TransformerDecoder`, `nn.EmbeddingBag`-like sums as products, and
the loss in one call. A model takes the arrays of a batch and gives the loss of
a row, as those of the package do, at the sizes of the workload.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.versus.workloads import CLASSES, Workload
from keras_textgen.tokens import PAD_ID


def reconstruction(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum over all tokens but padding of -log p, of logits [rows, time, V]."""
    return functional.cross_entropy(
        logits.flatten(0, 1),
        targets.flatten(),
        ignore_index=PAD_ID,
        reduction="sum",
    )


def drawn(loc: Tensor, log_variance: Tensor) -> Tensor:
    """A sample of a Gaussian."""
    return loc + torch.exp(log_variance / 2) * torch.randn_like(loc)


def kl_from_standard(loc: Tensor, log_variance: Tensor) -> Tensor:
    """Sum over all rows of KL(q || N(0, I))."""
    return torch.sum(log_variance.exp() + loc**2 - 1 - log_variance) / 2


class LanguageModel(nn.Module):
    """An LSTM and a softmax."""

    def __init__(
        self, words: int, embedding: int, units: int, dropout: float, **_: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding)
        self.dropout = nn.Dropout(dropout)
        self.decoder = nn.LSTM(embedding, units, batch_first=True)
        self.logits = nn.Linear(units, words)

    def forward(self, tokens: Tensor) -> Tensor:
        """Loss a sequence, of tokens [batch, time]."""
        inputs = self.dropout(self.embedding(tokens[:, :-1]))
        hidden = self.dropout(self.decoder(inputs)[0])
        return reconstruction(self.logits(hidden), tokens[:, 1:]) / len(tokens)


class LSTMVAE(nn.Module):
    """LSTM-VAE; with `averages`, hidden states of all samples are averaged."""

    averages = False

    def __init__(
        self,
        words: int,
        embedding: int,
        units: int,
        latent: int,
        dropout: float,
        samples: int,
        **_: int,
    ) -> None:
        super().__init__()
        self.samples = samples
        self.encoder_embedding = nn.Embedding(words, embedding)
        self.encoder = nn.LSTM(embedding, units, batch_first=True)
        self.heads = nn.Linear(units, 2 * latent)
        self.state = nn.Linear(latent, units, bias=False)
        self.embedding = nn.Embedding(words, embedding)
        self.dropout = nn.Dropout(dropout)
        self.decoder = nn.LSTM(embedding + latent, units, batch_first=True)
        self.logits = nn.Linear(units, words)

    def forward(self, tokens: Tensor) -> Tensor:
        """Loss a sequence, of tokens [batch, time]."""
        loc, log_variance = self.heads(self.read(tokens)).chunk(2, -1)
        kl = kl_from_standard(loc, log_variance)
        latent = drawn(
            loc.repeat_interleave(self.samples, 0),
            log_variance.repeat_interleave(self.samples, 0),
        )
        hidden = self.decode(tokens[:, :-1], latent)
        targets = tokens[:, 1:]
        if self.averages:
            hidden = hidden.unflatten(0, (-1, self.samples)).mean(1)
        else:
            targets = targets.repeat_interleave(self.samples, 0)
        nll = reconstruction(self.logits(self.dropout(hidden)), targets)
        return nll / len(targets) + kl / len(tokens)

    def read(self, tokens: Tensor) -> Tensor:
        """The encoder's last states [batch, units]."""
        _, (hidden, _) = self.encoder(self.encoder_embedding(tokens))
        return hidden[-1]

    def decode(self, inputs: Tensor, latent: Tensor) -> Tensor:
        """Hidden states [batch * samples, time, units]."""
        embedded = self.dropout(self.embedding(inputs))
        embedded = embedded.repeat_interleave(self.samples, 0)
        copies = latent[:, None].expand(-1, inputs.shape[1], -1)
        state = self.state(latent)[None]
        joined = torch.cat([embedded, copies], -1)
        return self.decoder(joined, (state, torch.zeros_like(state)))[0]


class LSTMVAEAVG(LSTMVAE):
    """LSTM-VAE-AVG."""

    averages = True


class RaggedLSTMVAE(LSTMVAE):
    """LSTM-VAE of texts that differ in length, padded on the right."""

    def read(self, tokens: Tensor) -> Tensor:
        """The states [batch, units] at the end of each text."""
        packed = pack_padded_sequence(
            self.encoder_embedding(tokens),
            torch.count_nonzero(tokens, 1),
            batch_first=True,
            enforce_sorted=False,
        )
        _, (hidden, _) = self.encoder(packed)
        return hidden[-1]


class HDGM(nn.Module):
    """The released code: two levels, a decoder that sees the memory."""

    def __init__(
        self,
        words: int,
        embedding: int,
        units: int,
        latent: int,
        layers: int,
        attention: int,
    ) -> None:
        super().__init__()
        stack = {"num_layers": layers, "batch_first": True}
        self.layers = layers
        self.embedding = nn.Embedding(words, embedding)
        self.forwards = nn.LSTM(embedding, units, **stack)
        self.backwards = nn.LSTM(embedding, units, **stack)
        self.attention = nn.Linear(2 * units, attention)
        self.score = nn.Linear(attention, 1, bias=False)
        memory = 2 * units
        self.level_1 = nn.Linear(2 * memory, 2 * latent)
        self.level_2 = nn.Linear(memory + latent, 2 * latent)
        self.generated = nn.Linear(memory + latent, 2 * latent)
        self.state = nn.Linear(memory + 3 * latent, 2 * units)
        self.decoder = nn.LSTM(embedding, units, **stack)
        self.logits = nn.Linear(units, words)

    def forward(self, tokens: Tensor) -> Tensor:
        """Loss a sequence, of tokens [batch, time]."""
        embedded = self.embedding(tokens[:, :-1])
        memory = self.memory(embedded)
        first = self.level_1(torch.cat([memory, memory], -1)).chunk(2, -1)
        z_1 = drawn(*first)
        second = self.level_2(torch.cat([memory, z_1], -1)).chunk(2, -1)
        z_2 = drawn(*second)
        third = self.generated(torch.cat([memory, z_2], -1)).chunk(2, -1)
        z_g = drawn(*third)
        code = torch.cat([memory, z_1, z_2, z_g], -1)
        state = functional.elu(self.state(code)).chunk(2, -1)
        state = [part.expand(self.layers, -1, -1) for part in state]
        hidden, _ = self.decoder(embedded, tuple(p.contiguous() for p in state))
        nll = reconstruction(self.logits(hidden), tokens[:, 1:])
        kl = kl_from_standard(*first) + self.kl_between(second, third)
        return (nll + kl) / len(tokens)

    def memory(self, embedded: Tensor) -> Tensor:
        """Attention over both directions, [batch, 2 * units]."""
        ahead, _ = self.forwards(embedded)
        back, _ = self.backwards(embedded.flip(1))
        states = torch.cat([ahead, back.flip(1)], -1)
        scores = self.score(torch.tanh(self.attention(states)))
        return torch.sum(scores.softmax(1) * states, 1)

    def kl_between(self, q: Sequence[Tensor], p: Sequence[Tensor]) -> Tensor:
        """KL of Gaussians of (mean, log-variance), summed over all rows."""
        ratio = q[1] - p[1]
        distance = (q[0] - p[0]) ** 2 / p[1].exp()
        return torch.sum(ratio.exp() + distance - 1 - ratio) / 2


SPIKE, TEMPERATURE, CONCENTRATIONS = 0.05, 0.5, (0.5, 100.0)


class HSVAE(nn.Module):
    """The hierarchical sparse VAE with the weights and priors of its paper."""

    def __init__(
        self, words: int, embedding: int, units: int, latent: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding)
        self.encoder = nn.GRU(embedding, units, batch_first=True)
        self.heads = nn.Linear(units, 4 * latent)
        self.decoder = nn.GRU(embedding + latent, units, batch_first=True)
        self.logits = nn.Linear(units, words)

    def forward(self, tokens: Tensor) -> Tensor:
        """Loss a sequence, of tokens [batch, time]."""
        embedded = self.embedding(tokens[:, :-1])
        _, hidden = self.encoder(embedded)
        loc, scale, *concentrations = self.heads(hidden[-1]).chunk(4, -1)
        scale = functional.softplus(scale)
        concentrations = [
            (functional.softplus(each) + 1e-5).clamp(*CONCENTRATIONS)
            for each in concentrations
        ]
        posterior = torch.distributions.Beta(*concentrations)
        prior = torch.distributions.Beta(
            torch.full_like(loc, 4), torch.full_like(loc, 1)
        )
        gamma = posterior.rsample().clamp(1e-6, 1 - 1e-6)
        latent = self.gated(gamma, loc, scale)
        copies = latent[:, None].expand(-1, embedded.shape[1], -1)
        hidden, _ = self.decoder(torch.cat([embedded, copies], -1))
        nll = reconstruction(self.logits(hidden), tokens[:, 1:])
        ratio = self.log_density(latent, gamma, loc, scale)
        ratio = ratio - self.log_density(
            latent, gamma, torch.zeros_like(loc), torch.ones_like(loc)
        )
        kl = torch.distributions.kl_divergence(posterior, prior)
        return (nll + 0.01 * (ratio.sum() + kl.sum())) / len(tokens)

    def gated(self, gamma: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        """Spike or slab, by a hard concrete with a straight gradient."""
        noise = torch.rand_like(gamma).clamp(1e-6, 1 - 1e-6)
        soft = torch.sigmoid((gamma.logit() + noise.logit()) / TEMPERATURE)
        spike = (soft >= 0.5).float() + soft - soft.detach()
        slab = loc + scale * torch.randn_like(loc)
        return spike * SPIKE * torch.randn_like(loc) + (1 - spike) * slab

    def log_density(
        self, latent: Tensor, gamma: Tensor, loc: Tensor, scale: Tensor
    ) -> Tensor:
        """Of the mixture of spike and slab."""
        parts = [
            gamma.log() + normal_log_density(latent / SPIKE) - math.log(SPIKE),
            torch.log1p(-gamma)
            + normal_log_density((latent - loc) / scale)
            - scale.log(),
        ]
        return torch.logaddexp(*parts)


def normal_log_density(values: Tensor) -> Tensor:
    """Of N(0, 1)."""
    return -(values**2 + math.log(2 * math.pi)) / 2


class Attention(nn.Module):
    """Attention pooling over time."""

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, units)
        self.score = nn.Linear(units, 1, bias=False)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """[rows, width] of states [rows, time, width]."""
        scores = self.score(torch.tanh(self.hidden(states)))[..., 0]
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        return torch.sum(scores.softmax(1)[..., None] * states, 1)


class HAN(nn.Module):
    """Words to sentences to documents; packed where lengths differ."""

    is_ragged = False

    def __init__(
        self, words: int, embedding: int, units: int, attention: int
    ) -> None:
        super().__init__()
        both = {"batch_first": True, "bidirectional": True}
        self.embedding = nn.Embedding(words, embedding)
        self.words = nn.GRU(embedding, units, **both)
        self.word_attention = Attention(2 * units, attention)
        self.sentences = nn.GRU(2 * units, units, **both)
        self.sentence_attention = Attention(2 * units, attention)
        self.classes = nn.Linear(2 * units, CLASSES)

    def forward(self, documents: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of documents [batch, sentences, words]."""
        is_word = documents != 0
        is_sentence = is_word.any(2)
        words, mask = documents.flatten(0, 1), is_word.flatten(0, 1)
        if self.is_ragged:
            words = words[is_sentence.flatten()]
            mask = mask[is_sentence.flatten()]
        vectors = self.pooled(
            self.words, self.word_attention, self.embedding(words), mask
        )
        if self.is_ragged:
            padded = vectors.new_zeros(*is_sentence.shape, vectors.shape[-1])
            padded[is_sentence] = vectors
            vectors = padded
        else:
            vectors = vectors.unflatten(0, documents.shape[:2])
        vectors = self.pooled(
            self.sentences, self.sentence_attention, vectors, is_sentence
        )
        return functional.cross_entropy(self.classes(vectors), labels)

    def pooled(
        self, layer: nn.GRU, attention: Attention, inputs: Tensor, mask: Tensor
    ) -> Tensor:
        """[rows, 2 * units] of inputs [rows, time, width]."""
        if not self.is_ragged:
            return attention(layer(inputs)[0], None)
        packed = pack_padded_sequence(
            inputs, mask.sum(1), batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(layer(packed)[0], batch_first=True)
        return attention(states, mask[:, : states.shape[1]])


class RaggedHAN(HAN):
    """HAN of documents and sentences that differ in length."""

    is_ragged = True


class TransformerVAE(nn.Module):
    """Encoder and decoder of pre-norm blocks; the code is four tokens."""

    latent_tokens, max_positions = 4, 512

    def __init__(
        self,
        words: int,
        embedding: int,
        units: int,
        latent: int,
        layers: int,
        heads: int,
    ) -> None:
        super().__init__()
        block = {
            "d_model": units,
            "nhead": heads,
            "dim_feedforward": 4 * units,
            "dropout": 0.0,
            "activation": "gelu",
            "batch_first": True,
            "norm_first": True,
        }
        self.embedding = nn.Embedding(words, embedding)
        self.encoder_positions = nn.Embedding(self.max_positions, units)
        self.decoder_positions = nn.Embedding(self.max_positions, units)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**block),
            layers,
            nn.LayerNorm(units),
            enable_nested_tensor=False,
        )
        self.heads = nn.Linear(units, 2 * latent)
        self.of_code = nn.Linear(latent, self.latent_tokens * units)
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(**block), layers, nn.LayerNorm(units)
        )
        self.logits = nn.Linear(units, words)

    def forward(self, tokens: Tensor) -> Tensor:
        """Loss a sequence, of tokens [batch, time]."""
        inputs = tokens[:, :-1]
        length = inputs.shape[1]
        embedded = self.embedding(inputs)
        positions = torch.arange(length)
        read = self.encoder(embedded + self.encoder_positions(positions))
        loc, log_variance = self.heads(read.mean(1)).chunk(2, -1)
        code = self.of_code(drawn(loc, log_variance))
        hidden = self.decoder(
            embedded + self.decoder_positions(positions),
            code.unflatten(1, (self.latent_tokens, -1)),
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(length),
            tgt_is_causal=True,
        )
        nll = reconstruction(self.logits(hidden), tokens[:, 1:])
        return (nll + kl_from_standard(loc, log_variance)) / len(tokens)


class ProdLDA(nn.Module):
    """Srivastava and Sutton 2017, of dense counts."""

    def __init__(
        self, words: int, hidden: int, topics: int, dropout: float
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(words, hidden),
            nn.Softplus(),
            nn.Linear(hidden, hidden),
            nn.Softplus(),
            nn.Dropout(dropout),
        )
        self.loc = nn.Sequential(
            nn.Linear(hidden, topics), nn.BatchNorm1d(topics)
        )
        self.log_variance = nn.Sequential(
            nn.Linear(hidden, topics), nn.BatchNorm1d(topics)
        )
        self.dropout = nn.Dropout(dropout)
        self.beta = nn.Linear(topics, words, bias=False)
        self.norm = nn.BatchNorm1d(words)
        # Laplace's approximation of Dirichlet(1, ..., 1): mean 0.
        self.prior_variance = (1 - 2 / topics) + 1 / topics

    def forward(self, counts: Tensor) -> Tensor:
        """Loss a document, of counts [batch, words]."""
        hidden = self.hidden(counts)
        loc, log_variance = self.loc(hidden), self.log_variance(hidden)
        shares = self.dropout(drawn(loc, log_variance).softmax(-1))
        logits = self.norm(self.beta(shares))
        nll = -torch.sum(counts * logits.log_softmax(-1))
        scaled = log_variance - math.log(self.prior_variance)
        kl = kl_from_standard(loc / self.prior_variance**0.5, scaled)
        return (nll + kl) / len(counts)


class DMF(nn.Module):
    """Two towers of a hidden layer; the sum of products over both levels."""

    def __init__(self, rows: int, columns: int, width: int) -> None:
        super().__init__()
        numbers = (rows, columns)
        self.vectors = nn.ModuleList(nn.Embedding(n, width) for n in numbers)
        self.biases = nn.ModuleList(nn.Embedding(n, 1) for n in numbers)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in numbers)
        self.mean = nn.Parameter(torch.zeros([]))

    def forward(self, rows: Tensor, columns: Tensor, values: Tensor) -> Tensor:
        """Mean squared error of cells [batch]."""
        ids = (rows, columns)
        first = [f(i) for f, i in zip(self.vectors, ids, strict=True)]
        second = [
            torch.tanh(f(v)) for f, v in zip(self.layers, first, strict=True)
        ]
        biases = [f(i)[:, 0] for f, i in zip(self.biases, ids, strict=True)]
        found = self.mean + sum(biases)
        for x, y in (first, second):
            found = found + torch.sum(x * y, -1)
        return functional.mse_loss(found, values.float())


MODELS: dict[str, Callable[..., nn.Module]] = {
    "hdgm": HDGM,
    "lstm_lm": LanguageModel,
    "lstm_vae": LSTMVAE,
    "lstm_vae_avg": LSTMVAEAVG,
    "hsvae": HSVAE,
    "han": HAN,
    "transformer_vae": TransformerVAE,
    "prodlda": ProdLDA,
    "dmf": DMF,
}
RAGGED: dict[str, Callable[..., nn.Module]] = {
    "lstm_vae": RaggedLSTMVAE,
    "han": RaggedHAN,
}


def made(workload: Workload) -> nn.Module:
    """The model of a workload."""
    sizes = workload.sizes
    if workload.is_ragged:
        return RAGGED[workload.model](**sizes)
    if workload.model == "prodlda":
        sizes = {"words": workload.shape[0], **sizes}
    return MODELS[workload.model](**sizes)
