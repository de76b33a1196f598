"""Schedules: the weight of the KL term by step, the learning rate by epoch.

A KL schedule maps a training step to the weight of the KL term. The step is
an argument, never a state of the schedule: a model keeps its step in a
variable that is saved with it, and a resumed run sees the same weights.
"""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, Numbers, WholeNumbers, check

# After all annealing.
_LAST_STEP = 2**31 - 1
# A sigmoid schedule comes close to its highest weight, and never reaches it.
FULL = 0.999

_POSITIVE = Numbers(above=0)
_NOT_NEGATIVE = Numbers(at_least=0)


class Schedule:
    """A KL weight by training step.

    A subclass defines `_weight_at` and keeps its constructor's arguments, and
    nothing else, as attributes of the same names.
    """

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The weight of the KL term at a step.

        Args:
          step: integer scalar (or any shape): training steps done so far.

        Returns:
          float32 tensor of the same shape.
        """
        return self._weight_at(tf.cast(step, tf.int64))

    def _weight_at(self, step: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Schedule":
        """The schedule that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_textgen")
class ConstantSchedule(Schedule):
    """The same weight at every step.

    Args:
      weight: the weight, at least 0; other than 1 it makes the training
        objective that of a beta-VAE.

    Raises:
      ValueError: if `weight` is negative or not finite.

    Example:
    >>> float(ConstantSchedule(0.5)(10))
    0.5
    """

    def __init__(self, weight: float = 1.0) -> None:
        check(_NOT_NEGATIVE, weight=weight)
        self.weight = weight

    def _weight_at(self, step: tf.Tensor) -> tf.Tensor:
        return tf.fill(tf.shape(step), tf.constant(self.weight, tf.float32))


@keras.saving.register_keras_serializable(package="keras_textgen")
class LinearSchedule(Schedule):
    """From 0 up to `max_weight` in a straight line, then constant.

    The weight is 0 up to `start_step` and `max_weight` from
    `start_step + num_steps` on.

    Args:
      num_steps: length of the rise in steps, above 0.
      start_step: the last step of weight 0.
      max_weight: the final weight, at least 0.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
    >>> schedule = LinearSchedule(num_steps=10, start_step=100)
    >>> [round(float(schedule(step)), 3) for step in (0, 100, 105, 500)]
    [0.0, 0.0, 0.5, 1.0]
    """

    def __init__(
        self, num_steps: int, start_step: int = 0, max_weight: float = 1.0
    ) -> None:
        check(_POSITIVE, num_steps=num_steps)
        check(_NOT_NEGATIVE, start_step=start_step, max_weight=max_weight)
        self.num_steps = num_steps
        self.start_step = start_step
        self.max_weight = max_weight

    def _weight_at(self, step: tf.Tensor) -> tf.Tensor:
        done = (tf.cast(step, tf.float32) - self.start_step) / self.num_steps
        return self.max_weight * tf.clip_by_value(done, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="keras_textgen")
class SigmoidSchedule(Schedule):
    """`max_weight * sigmoid(slope * (step - bias / 2))`.

    KL annealing of Bowman et al. 2016, section 3.1, in the form of the HDGM
    code base: half of `max_weight` is reached at step `bias / 2`.

    Args:
      bias: twice the step of half weight, in steps.
      slope: steepness per step, above 0 (the papers' settings use 10 / bias).
      max_weight: the limit of the weight, at least 0.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
    >>> schedule = SigmoidSchedule(bias=26000, slope=1 / 2600)
    >>> [round(float(schedule(step)), 4) for step in (0, 13000, 26000)]
    [0.0067, 0.5, 0.9933]
    """

    def __init__(
        self, bias: float, slope: float, max_weight: float = 1.0
    ) -> None:
        check(_NOT_NEGATIVE, bias=bias, max_weight=max_weight)
        check(_POSITIVE, slope=slope)
        self.bias = bias
        self.slope = slope
        self.max_weight = max_weight

    def _weight_at(self, step: tf.Tensor) -> tf.Tensor:
        distance = tf.cast(step, tf.float32) - self.bias / 2
        return self.max_weight * tf.sigmoid(self.slope * distance)


@keras.saving.register_keras_serializable(package="keras_textgen")
class CyclicalSchedule(Schedule):
    """A linear rise that starts again from 0 every `period` steps.

    Cyclical annealing of Fu et al. 2019 ("Cyclical Annealing Schedule: A
    Simple Approach to Mitigating KL Vanishing", equation 6): within a cycle
    the weight rises linearly to `max_weight` over the first `ramp_fraction`
    of the steps and stays there for the rest. Li et al. 2020 ("Optimus:
    Organizing Sentences via Pre-trained Modeling of a Latent Space") have it at
    0 before it rises.

    Args:
      period: length of a cycle in steps, above 0.
      ramp_fraction: part of the cycle that rises, above 0, at most 1.
      max_weight: the highest weight, at least 0.
      zero_fraction: part of the cycle before it rises, at least 0; with
        `ramp_fraction`, at most 1.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
    >>> schedule = CyclicalSchedule(period=100)
    >>> [float(schedule(step)) for step in (0, 25, 50, 99, 100)]
    [0.0, 0.5, 1.0, 1.0, 0.0]
    >>> late = CyclicalSchedule(100, ramp_fraction=0.25, zero_fraction=0.5)
    >>> [float(late(step)) for step in (0, 50, 60, 75, 99, 100)]
    [0.0, 0.0, 0.4000000059604645, 1.0, 1.0, 0.0]
    """

    def __init__(
        self,
        period: int,
        ramp_fraction: float = 0.5,
        max_weight: float = 1.0,
        zero_fraction: float = 0.0,
    ) -> None:
        # A remainder of a step is taken by it.
        check(SIZES, period=period)
        check(Numbers(above=0, at_most=1), ramp_fraction=ramp_fraction)
        check(_NOT_NEGATIVE, max_weight=max_weight)
        left = Numbers(at_least=0, at_most=round(1 - ramp_fraction, 9))
        check(left, zero_fraction=zero_fraction)
        self.period = period
        self.ramp_fraction = ramp_fraction
        self.max_weight = max_weight
        self.zero_fraction = zero_fraction

    def _weight_at(self, step: tf.Tensor) -> tf.Tensor:
        # The remainder is taken in integers: float32 counts only to 2^24.
        in_cycle = tf.cast(step % self.period, tf.float32)
        since = in_cycle - self.period * self.zero_fraction
        done = since / (self.period * self.ramp_fraction)
        return self.max_weight * tf.clip_by_value(done, 0.0, 1.0)


def halved_learning_rate(
    initial: float, epoch: int, first_halved: int
) -> float:
    """The learning rate of the HDGM code base: halved from an epoch on.

    Args:
      initial: learning rate of the first epochs.
      epoch: number of the epoch, counted from 0.
      first_halved: the first epoch whose rate is halved, counted from 1
        ("from the 5th" is 5); 0 keeps the initial rate throughout.

    Returns:
      The learning rate of the epoch: `initial`, then half of the previous
      epoch's from epoch `first_halved` on.

    Raises:
      ValueError: if `first_halved` is negative.

    Example:
    >>> [halved_learning_rate(1.0, epoch, 3) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.125]
    """
    check(WholeNumbers(0), first_halved=first_halved)
    if first_halved == 0:
        return initial
    return initial * 0.5 ** max(0, epoch + 2 - first_halved)


def reached_weight(
    schedule: Schedule | None, steps: int
) -> tuple[float, float]:
    """How far the KL weight has come, beside where it comes to in the end.

    Args:
      schedule: None is the weight 1.
      steps: that it has been followed for.

    Returns:
      The weight after them and the last one; the last one twice if it is
      reached (a sigmoid reaches 99.9 % of it), or if there is none, as a
      cyclical schedule rises again and again.

    Example:
    >>> rise = LinearSchedule(100, max_weight=0.5)
    >>> reached_weight(rise, 50), reached_weight(rise, 100)
    ((0.25, 0.5), (0.5, 0.5))
    """
    if schedule is None or isinstance(schedule, CyclicalSchedule):
        return 1.0, 1.0
    weights = schedule(tf.constant([steps, _LAST_STEP])).numpy()
    reached, last = map(float, weights)
    return (reached if reached < FULL * last else last), last
