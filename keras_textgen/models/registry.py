"""The models by their names on the command line."""

import keras

from keras_textgen.models.hdgm import HDGM
from keras_textgen.models.sentence_vae import SentenceVAE

MODELS: dict[str, type[keras.Model]] = {"hdgm": HDGM, "vae": SentenceVAE}
