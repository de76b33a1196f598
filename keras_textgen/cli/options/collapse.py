"""The weight of the KL term, and other remedies against collapse."""

import dataclasses

from keras_textgen.cli.options.components import RECURRENT_DECODER
from keras_textgen.cli.setting import choice, integer, number, switch

KL_SCHEDULES = ("constant", "linear", "sigmoid", "cyclical")


@dataclasses.dataclass(frozen=True)
class CollapseOptions:
    """Annealing, and what papers have proposed beside it."""

    kl_schedule: str | None = choice(
        "kl",
        "How the weight depends on the training step.",
        KL_SCHEDULES,
        "constant",
        takes=("latent",),
    )
    kl_max: float | None = number(
        "kl",
        "Highest (for constant: the only) weight.",
        default=1.0,
        takes=("latent",),
    )
    kl_bias: float | None = number(
        "kl",
        "max * sigmoid(slope * (step - bias / 2)): twice the step of half "
        "weight.",
        needs=("kl_schedule", ("sigmoid",)),
    )
    kl_slope: float | None = number(
        "kl",
        "The sigmoid's steepness per step.",
        above=True,
        needs=("kl_schedule", ("sigmoid",)),
    )
    kl_start: int | None = integer(
        "kl",
        "The last step of weight 0. Default: 0.",
        low=0,
        needs=("kl_schedule", ("linear",)),
    )
    kl_steps: int | None = integer(
        "kl",
        "Steps of the linear rise, or of one cycle.",
        needs=("kl_schedule", ("linear", "cyclical")),
    )
    kl_epochs: int | None = integer(
        "kl",
        "The same in epochs, for a text of unknown size; in place of "
        "--kl_steps.",
        needs=("kl_schedule", ("linear", "cyclical")),
    )
    kl_ramp: float | None = number(
        "kl",
        "Part of each cycle that rises. Default: 0.5.",
        high=1.0,
        above=True,
        needs=("kl_schedule", ("cyclical",)),
    )
    feed_latent: bool | None = switch(
        "collapse",
        "Join the latent code to every input of the decoder.",
        takes=("latent_text",),
        needs_one=RECURRENT_DECODER,
        argument="feed_latent",
        in_preset=True,
    )
    free_bits: float | None = number(
        "collapse",
        "The KL term costs nothing up to so many nats in total (Kingma et "
        "al. 2016); with --autoencoder_epochs, the target KL of Li et al. "
        "2019.",
        takes=("latent",),
        argument="free_bits",
    )
    free_bits_per_dimension: float | None = number(
        "collapse",
        "Each latent dimension's KL costs nothing up to so many nats "
        "(Kingma et al. 2016).",
        takes=("latent",),
        argument="free_bits_per_dimension",
    )
    bag_of_words_weight: float | None = number(
        "collapse",
        "Weight of a loss that predicts the bag of words from the code "
        "(Zhao et al. 2017).",
        takes=("latent_text",),
        argument="bag_of_words_weight",
        in_preset=True,
    )
    posterior_family: str | None = choice(
        "collapse",
        "gaussian; or vmf, von Mises-Fisher on the unit sphere, whose KL is "
        "fixed by its concentration (Xu & Durrett 2018).",
        ("gaussian", "vmf"),
        takes=("single_latent",),
        argument="posterior_family",
        in_preset=True,
    )
    vmf_concentration: float | None = number(
        "collapse",
        "Concentration of the von Mises-Fisher posterior.",
        above=True,
        needs=("posterior_family", ("vmf",)),
        argument="concentration",
    )
    aggressive_encoder: bool | None = switch(
        "collapse",
        "Train the encoder to convergence before each step of the decoder, "
        "until the mutual information stops climbing (He et al. 2019). "
        "Needs --optimizer=sgd.",
        takes=("latent_text",),
        argument="aggressive_encoder",
    )
    autoencoder_epochs: int | None = integer(
        "collapse",
        "Train so many of the epochs with KL weight 0, then begin anew with "
        "the decoder alone (Li et al. 2019).",
        low=0,
        default=0,
        takes=("latent_text",),
    )
