"""Remedies against posterior collapse that act between epochs."""

from typing import Any

import keras
import numpy as np

from keras_textgen.training.checkpoints import Progress


class DecoderReset(keras.callbacks.Callback):
    """Ends the pretraining of an autoencoder.

    Li et al. 2019, "A surprisingly effective fix for deep latent variable
    modeling of text" (EMNLP): the model is trained with KL weight 0 first;
    then the decoder begins anew, and so does the optimizer, while the encoder
    keeps what it has learnt.

    The checkpoint at the end of the last epoch of the pretraining is from
    before the reset, those within the next epoch are from after it. So a run
    that goes on does it again exactly if it goes on between the two epochs.

    Args:
      epoch: the first epoch after the pretraining, counted from 0.
      first_step: steps that the epoch of the start has behind it.
    """

    def __init__(self, epoch: int, first_step: int = 0) -> None:
        super().__init__()
        self._epoch = epoch
        self._first_step = first_step

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Resets the decoder if this is the epoch, at its first step."""
        if epoch == self._epoch and self._first_step == 0:
            print("  the pretraining is over: the decoder begins anew")
            self.model.reset_decoder()
            reset_optimizer(self.model.optimizer)
        self._first_step = 0


class AggressiveTraining(keras.callbacks.Callback):
    """Ends the aggressive training of the encoder.

    He et al. 2019, "Lagging inference networks and posterior collapse in
    variational autoencoders" (ICLR), algorithm 1: as soon as the mutual
    information of an epoch's validation is no higher than that of the epoch
    before, encoder and decoder are trained together, for good.

    The state is in `model.aggressive` and in `progress`. `Diagnostics` has to
    act before, and what saves the epoch after.

    Args:
      progress: of the run.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Compares the mutual information with that of the epoch before."""
        # Of several replicas, int() cannot read it.
        if not self.model.aggressive.numpy():
            return
        information = logs["val_mutual_information"]
        if information <= float(self._progress.mutual_information):
            self.model.aggressive.assign(0)
            print(
                "  the mutual information no longer climbs: encoder and "
                "decoder are trained together from now on"
            )
        self._progress.mutual_information.assign(information)


def reset_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Give an optimizer the state of a new one; its learning rate stays.

    Args:
      optimizer: built; all of its state starts from 0, as that of Adam and
        of SGD does, the number of steps that Adam's correction of the bias
        depends on included.

    Example:
    >>> variable = keras.Variable([1.0])
    >>> optimizer = keras.optimizers.Adam(0.5)
    >>> optimizer.apply([np.array([1.0], np.float32)], [variable])
    >>> reset_optimizer(optimizer)
    >>> [float(np.sum(each)) for each in optimizer.variables]
    [0.0, 0.5, 0.0, 0.0]
    """
    for variable in optimizer.variables:
        if variable is not optimizer.learning_rate:
            variable.assign(np.zeros(variable.shape))
