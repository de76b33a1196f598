"""Latent variables: their sizes, priors and objectives."""

import dataclasses

from keras_textgen.cli.modes import JUDGING
from keras_textgen.cli.setting import choice, integer, number, path, switch


@dataclasses.dataclass(frozen=True)
class LatentOptions:
    """What models with latent variables have, and what is one model's own."""

    latent_dim: int | None = integer(
        "model",
        "Width of each latent variable.",
        takes=("latent_text", "sae"),
        argument="latent_dim",
        in_preset=True,
    )
    num_latent_samples: int | None = integer(
        "model",
        "Samples of the posterior that are decoded for each sequence.",
        takes=("latent_text",),
        # On the command line, --num_samples says how many texts to generate.
        argument="num_samples",
    )
    objective: str | None = choice(
        "model",
        "reference: the loss of the original code; bound: a true lower "
        "bound of log p(x).",
        ("reference", "bound"),
        takes=("reference",),
        argument="objective",
        in_preset=True,
    )
    num_levels: int | None = integer(
        "model",
        "Latent levels.",
        takes=("hdgm",),
        argument="num_levels",
        in_preset=True,
    )
    deterministic_layers: int | None = integer(
        "model",
        "Deep-memory layers before each latent level; 0 is the released code.",
        low=0,
        takes=("hdgm",),
        argument="deterministic_layers",
        in_preset=True,
    )
    z_reg_weight: float | None = number(
        "model",
        "Weight of the KL of z given gamma (psi).",
        takes=("hsvae",),
        argument="z_reg_weight",
    )
    gamma_reg_weight: float | None = number(
        "model",
        "Weight of the KL of gamma (lambda).",
        takes=("hsvae",),
        argument="gamma_reg_weight",
    )
    temperature: float | None = number(
        "model",
        "Of the relaxed gate in training; that of generated texts is "
        "--sampling_temperature.",
        above=True,
        takes=("hsvae",),
        argument="temperature",
    )
    gamma_alpha: float | None = number(
        "model",
        "First concentration of gamma's Beta prior; the larger beside "
        "--gamma_beta, the sparser the codes.",
        above=True,
        takes=("hsvae",),
        argument="alpha",
    )
    gamma_beta: float | None = number(
        "model",
        "Second concentration of gamma's Beta prior.",
        above=True,
        takes=("hsvae",),
        argument="beta",
    )
    prior_concentration: float | None = number(
        "model",
        "Of the symmetric Dirichlet prior of a document's shares of topics; "
        "the lower, the fewer topics it has.",
        above=True,
        takes=("prodlda",),
        argument="concentration",
    )
    mmd_weight: float | None = number(
        "model", "Weight of the MMD.", takes=("mat_vae",), argument="alpha"
    )
    kl_weight: float | None = number(
        "model",
        "Weight of the KL beside --mmd_weight.",
        takes=("mat_vae",),
        argument="beta",
    )
    spike_probability: float | None = number(
        "model",
        "Of the prior of each dimension.",
        high=1.0,
        takes=("mat_vae",),
        argument="spike_probability",
    )
    probes: bool | None = switch(
        "evaluation",
        "Classify the codes of a labeled corpus, beside its bags of words. "
        "Default: for models of sparse codes only.",
        takes=("latent_text",),
        role="stored",
        modes=JUDGING,
    )
    beside: str | None = path(
        "evaluation",
        "Folder of another run on the same data, whose codes are classified "
        "in the same table.",
        takes=("latent_text",),
        role="call",
        modes=("train", "evaluate"),
    )
