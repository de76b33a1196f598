"""How the layers treat masks."""

from typing import Any

import keras


class ExplicitMaskLayer(keras.layers.Layer):
    """A layer that takes its mask as an argument and passes none on.

    Keras would otherwise warn that the mask is lost, or hang the mask of
    [batch, time] on outputs of another shape.

    Example:
        >>> layer = ExplicitMaskLayer()
        >>> layer.supports_masking, layer.compute_mask(None, "any mask")
        (True, None)
    """

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """Give the outputs no mask."""
        del inputs, previous_mask
