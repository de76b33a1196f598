"""Strategies by name."""

import pytest
import tensorflow as tf

from keras_textgen.training.strategies import get_strategy


def test_mirrored_uses_every_device_and_is_made_once():
    strategy = get_strategy("mirrored")
    devices = tf.config.list_logical_devices(
        "GPU"
    ) or tf.config.list_logical_devices("CPU")
    assert strategy.num_replicas_in_sync == len(devices)
    assert get_strategy("mirrored") is strategy


def test_none_is_the_default_strategy():
    assert get_strategy("none") is tf.distribute.get_strategy()


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="allowed: none, mirrored"):
        get_strategy("tpu")
