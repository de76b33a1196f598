"""The models by their names on the command line."""

import functools
from collections.abc import Callable

from keras_textgen.models.documents import han  # noqa: F401 - they register
from keras_textgen.models.matrices import dmf  # noqa: F401 - they register
from keras_textgen.models.text.hdgm import HDGM
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.mat_vae import MATVAE
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.models.text.text_model import TextModel
from keras_textgen.models.topics import sae  # noqa: F401 - they register

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
