"""The models by their names on the command line."""

import functools
from collections.abc import Callable

from keras_textgen.models import dmf, han, sae  # noqa: F401 - they register
from keras_textgen.models.hdgm import HDGM
from keras_textgen.models.hsvae import HSVAE
from keras_textgen.models.lstm_lm import LSTMLanguageModel
from keras_textgen.models.lstm_vae import LSTMVAE
from keras_textgen.models.mat_vae import MATVAE
from keras_textgen.models.sentence_vae import SentenceVAE
from keras_textgen.models.text_model import TextModel

# From a vocabulary and settings to a model.
MODELS: dict[str, Callable[..., TextModel]] = {
    "hdgm": HDGM,
    "vae": SentenceVAE,
    "lstm_lm": LSTMLanguageModel,
    "lstm_vae": LSTMVAE,
    "lstm_vae_avg": functools.partial(LSTMVAE, averaging="hidden_states"),
    "hsvae": HSVAE,
    "mat_vae": MATVAE,
}
