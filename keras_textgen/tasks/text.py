"""Runs of the text models: corpus, model, figures, generated texts."""

import pathlib
from typing import Any

import keras
import tensorflow as tf

from keras_textgen import schedules
from keras_textgen.checks import counted
from keras_textgen.cli.recipes import find_recipes, recipe_file
from keras_textgen.cli.settings import (
    RunError,
    Settings,
    constructor_arguments,
)
from keras_textgen.data.batches.sequences import SequenceBatches, TokenBatches
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.views import TokenIds, is_stream, token_ids
from keras_textgen.data.vocabulary import Vocabulary, unknown_share
from keras_textgen.evaluation.figures import (
    probe_figures,
    quality_figures,
    report_figures,
)
from keras_textgen.evaluation.probes import (
    format_probes,
    probe_corpus,
    probes_csv,
)
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.evaluation.sample_quality import (
    format_sample_quality,
    reconstruction_quality,
    sample_quality,
    sample_quality_csv,
)
from keras_textgen.layers.encoders import TransformerEncoder
from keras_textgen.layers.transformer_decoder import TransformerDecoder
from keras_textgen.models.register import MODELS
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.sparse_text_model import SparseTextModel
from keras_textgen.pages.sparsity_page import write_sparsity_page
from keras_textgen.tasks.base import (
    Task,
    indented,
    kl_schedule,
    load_run,
    transformer_sizes,
    unknown_words_text,
    vocabulary_settings,
)
from keras_textgen.tasks.generating import (
    reconstructed_texts,
    sample_texts,
    shown_text,
    written_texts,
)
from keras_textgen.tokens import END_ID
from keras_textgen.training import callbacks
from keras_textgen.training.checkpoints import Progress, writing
from keras_textgen.training.collapse import AggressiveTraining, DecoderReset
from keras_textgen.training.kept_bounds import KeptBounds
from keras_textgen.training.metrics_file import read_epochs
from keras_textgen.training.progress_lines import PrintedWatch
from keras_textgen.training.run_directory import (
    RunDirectory,
    move_into_place,
    unfinished,
    write_whole,
)
from keras_textgen.training.sparsity import Sparsity

_DIAGNOSTIC_SEQUENCES = 500
_NUM_RECONSTRUCTIONS = 3
# Texts that are generated, and those reconstructed, to be judged.
_JUDGED_SAMPLES = 1000
_JUDGED_RECONSTRUCTIONS = 500
# The most texts of validation, and of test, for the model that judges.
_JUDGES_TEXTS = 10_000
_PROBES_FILE, _PAGE_FILE = "probes.csv", "sparsity.html"
_QUALITY_FILE = "sample_quality.csv"
_BOUNDS_FILE = "importance_weighted_bounds.npz"


class TextTask(Task):
    """A run of a text model on token ids."""

    # -- The data ------------------------------------------------------------

    def prepare(self, data: Corpus) -> TokenIds:
        """The corpus; says how many sequences were too long for it."""
        settings = self.settings
        is_laid_out = is_stream(settings.dataset, settings.ptb_protocol)
        corpus = token_ids(
            settings.dataset,
            data,
            max_length=settings.max_length,
            protocol=settings.ptb_protocol,
            window=settings.window,
            batch_size=settings.batch_size if is_laid_out else None,
            **vocabulary_settings(settings),
        )
        for split, number in corpus.dropped.items():
            if number:
                whole = number + int(getattr(corpus, split).nrows())
                print(_left_out_text(settings, split, number, whole))
        shares = {s: unknown_share(getattr(corpus, s)) for s in SPLITS}
        print(unknown_words_text(shares, settings.tokenizer))
        return corpus

    @property
    def size_text(self) -> str:
        """Words and sequences."""
        return (
            f"{counted(self.corpus.vocabulary.size, self.settings.tokenizer)}, "
            f"{counted(self.corpus.train.nrows(), 'training sequence')}"
        )

    def batches(self, split: str, batch_size: int) -> TokenBatches:
        """The sequences of a split."""
        return self._in_batches(getattr(self.corpus, split), batch_size)

    def _test_set(self) -> TokenBatches:
        batches = self.batches("test", self.settings.batch_size)
        batches.text_size = self.corpus.text_sizes.get("test")
        return batches

    def _in_batches(
        self, sequences: tf.RaggedTensor, batch_size: int
    ) -> SequenceBatches:
        return SequenceBatches(
            sequences,
            batch_size,
            seed=self.settings.seed,
            order=self.corpus.order,
            unit=self.corpus.vocabulary.unit,
        )

    # -- The model -----------------------------------------------------------

    def make_model(self) -> keras.Model:
        """The text model, without start tokens if the corpus has none."""
        return make_text_model(
            self.settings,
            self.corpus.vocabulary,
            self.training_batches().steps_per_epoch,
            is_stream=self.corpus.order == "stream",
        )

    def start_training(self, model: keras.Model, steps_per_epoch: int) -> None:
        """Lets the KL schedule begin after the pretraining, of weight 0."""
        if self.pretraining_epochs:
            model.annealing_start.assign(
                self.pretraining_epochs * steps_per_epoch
            )

    def notices(self, model: keras.Model) -> list[str]:
        """That the model will not be able to generate, if it will not."""
        if not _has_latents(model) or model.has_prior:
            return []
        return [
            f"With --objective={model.objective} the decoder reads the encoded "
            "text itself, so that this model cannot generate new texts; "
            "--objective=bound trains one that can."
        ]

    def diagnostics(self, model: keras.Model) -> list[keras.callbacks.Callback]:
        """Signs of collapse, which only models with latent variables show."""
        if not _has_latents(model):
            return []
        sample = self._in_batches(
            _spread(self.corpus.valid, _DIAGNOSTIC_SEQUENCES),
            self.settings.batch_size,
        )
        diagnostics = [callbacks.Diagnostics(sample)]
        if isinstance(model, SparseTextModel):
            diagnostics.append(Sparsity(sample))
        return diagnostics

    def remedies(self, progress: Progress) -> list[keras.callbacks.Callback]:
        """Those against collapse that act between epochs."""
        remedies = []
        if self.pretraining_epochs:
            remedies.append(
                DecoderReset(self.pretraining_epochs, int(progress.step))
            )
        if self.settings.aggressive_encoder:
            remedies.append(AggressiveTraining(progress))
        return remedies

    @property
    def pretraining_epochs(self) -> int:
        """Epochs of the autoencoder."""
        return self.settings.autoencoder_epochs or 0

    # -- What comes after training -------------------------------------------

    def print_results(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        """Print likelihoods, texts, and how well the codes classify."""
        test = self._test_set()
        samples = self.settings.importance_samples
        figures = evaluate_model(
            model,
            test,
            None if model.likelihood_kind == "exact" else samples,
            watch=PrintedWatch(),
            kept_bounds=KeptBounds(folder / _BOUNDS_FILE, model, test, samples),
        )
        self.print_heading()
        print(indented(format_table(figures)))
        self.figures += report_figures(figures)
        for line in self._hints(model, figures):
            print(f"  {line}")
        if _has_latents(model):
            _print_reconstructions(self.settings, self.corpus, model)
        self.print_generated(self.settings, model)
        return (
            self._print_quality(model, folder)
            | self._print_probes(model, folder)
            | self._write_page(model, folder)
        )

    def _hints(self, model: keras.Model, figures: dict[str, Any]) -> list[str]:
        """What explains the figures of latent variables, a line each."""
        if not _has_latents(model):
            return []
        hints = []
        epochs = self.settings.epochs - self.pretraining_epochs
        steps = epochs * self.training_batches().steps_per_epoch
        reached, last = schedules.reached_weight(model.kl_schedule, steps)
        if reached < last:
            hints.append(
                f"The run ended at a KL weight of {reached:.2g}, on its way to "
                f"{last:.2g}: more --epochs, or a shorter rise, take it there."
            )
        if figures["active_units"] <= 1:
            hints.append(
                "Hardly a latent variable is used: --free_bits, --feed_latent "
                "or a lower --kl_max may help (docs/collapse.md)."
            )
        return hints

    def _print_quality(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        """Print how good samples and reconstructions are.

        The windows of a stream are no texts to compare them with.
        """
        if self.corpus.order == "stream":
            return {}
        rows, heading = [], []
        if _can_generate(model):
            training = written_texts(self.corpus, self.corpus.train)
            count = min(_JUDGED_SAMPLES, len(training))
            rows += sample_quality(
                sample_texts(self.settings, model, count, self.settings.seed),
                training,
                *(
                    written_texts(
                        self.corpus,
                        _spread(getattr(self.corpus, split), _JUDGES_TEXTS),
                    )
                    for split in ("valid", "test")
                ),
            )
            heading.append(
                f"{counted(count, 'sample')} beside training sequences"
            )
        if _has_latents(model):
            chosen = _spread(self.corpus.test, _JUDGED_RECONSTRUCTIONS)
            rows += reconstruction_quality(
                reconstructed_texts(self.settings, model, chosen),
                written_texts(self.corpus, chosen),
            )
            heading.append(
                counted(chosen.nrows(), "reconstructed test sequence")
            )
        print(f"\nQuality of {', '.join(heading)}:")
        print(indented(format_sample_quality(rows)))
        self.figures += quality_figures(rows)
        with writing(folder / _QUALITY_FILE):
            write_whole(folder / _QUALITY_FILE, sample_quality_csv(rows))
        return {_QUALITY_FILE: "quality of samples and reconstructions"}

    def _print_probes(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        asked = self.settings.probes
        if asked is None:
            asked = isinstance(model, SparseTextModel)
        if not asked:
            return {}
        models = {self.settings.model: model, **self._model_beside()}
        heading = "\nAccuracy of classifiers on the codes, test set:"
        try:
            rows = probe_corpus(
                self.corpus, models, self.settings.seed, watch=PrintedWatch()
            )
        except ValueError as error:
            print(f"{heading}\n  none: {error}")
            return {}
        print(f"{heading}\n{indented(format_probes(rows))}")
        self.figures += probe_figures(rows)
        with writing(folder / _PROBES_FILE):
            write_whole(folder / _PROBES_FILE, probes_csv(rows))
        return {_PROBES_FILE: "the accuracies above"}

    def _model_beside(self) -> dict[str, keras.Model]:
        """The model of another run, by what the table is to call it."""
        if self.settings.beside is None:
            return {}
        directory = RunDirectory(self.settings.beside)
        model = load_run(directory)
        if not self.fits(model):
            raise RunError(
                f"--beside={directory.path}: its vocabulary is not that of "
                f"{self.corpus.name}; allowed: a run on the same data"
            )
        return {directory.path.name: model}

    def _write_page(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        if not isinstance(model, SparseTextModel):
            return {}
        page = folder / _PAGE_FILE
        with writing(page):
            write_sparsity_page(
                unfinished(page),
                model,
                self.corpus,
                read_epochs(RunDirectory(folder).metrics_file),
            )
            move_into_place(page)
        return {_PAGE_FILE: "the sparsity of its codes, for a browser"}

    @staticmethod
    def print_generated(settings: Settings, model: keras.Model) -> None:
        """Print texts that the model generates, or why it cannot."""
        source = " from the prior" if _has_latents(model) else ""
        if settings.condition_on is not None:
            source = " like the text given"
        temperature = settings.sampling_temperature
        print(f"\nGenerated{source} (temperature {temperature:g}):")
        try:
            texts = sample_texts(
                settings, model, settings.num_samples, settings.seed
            )
        except ValueError as error:
            if settings.prefix or settings.condition_on:
                raise RunError(f"--mode=generate: {error}") from None
            print(f"  nothing: {error}")
            return
        for number, text in enumerate(texts, 1):
            print(f"  {number}  {shown_text(text)}")


def make_text_model(
    settings: Settings,
    vocabulary: Vocabulary,
    steps_per_epoch: int,
    is_stream: bool = False,
) -> keras.Model:
    """The text model that the settings describe.

    Args:
      settings: of the run.
      vocabulary: of the corpus.
      steps_per_epoch: of the training set, for a KL schedule in epochs.
      is_stream: whether the corpus is a stream, without start tokens.

    Returns:
      A model with fresh weights, which depend on the seed alone.

    Raises:
      RunError: if the KL schedule does not exist.
      ValueError: if the model's constructor refuses a setting.
    """
    arguments = constructor_arguments(settings) | _transformers(settings)
    if settings.kl_schedule is not None:
        arguments["kl_schedule"] = kl_schedule(settings, steps_per_epoch)
    if is_stream:
        arguments["starts_with_end"] = True
    return MODELS[settings.model](vocabulary, **arguments)


def _transformers(settings: Settings) -> dict[str, keras.Layer]:
    """The encoder and the decoder, as far as they are transformers."""
    sizes, made = transformer_sizes(settings), {}
    if settings.encoder == "transformer":
        made["encoder"] = TransformerEncoder(**sizes)
    if settings.decoder == "transformer":
        injection = settings.latent_injection
        if injection is not None:
            sizes["latent_injection"] = injection
        made["decoder"] = TransformerDecoder(**sizes)
    return made


def _left_out_text(
    settings: Settings, split: str, number: int, whole: int
) -> str:
    """That sequences of a split are too long, and for what."""
    shares = f"{number:,} of {counted(whole, 'sequence')}"
    limit = settings.max_length
    unit = f"{settings.tokenizer}s"
    recipe = recipe_file(find_recipes(), settings.model, settings.dataset)
    if recipe and f"--max_length={limit}" in recipe.read_text("utf-8").split():
        return (
            f"Left out of the {split} set to save time: {shares}, those of "
            f"more than {limit} {unit}; --max_length=default keeps them."
        )
    return (
        f"Left out of the {split} set: {shares}, longer than "
        f"--max_length={limit} {unit}."
    )


def _has_latents(model: keras.Model) -> bool:
    return isinstance(model, LatentTextModel)


def _can_generate(model: keras.Model) -> bool:
    return not _has_latents(model) or model.has_prior


def _spread(sequences: tf.RaggedTensor, count: int) -> tf.RaggedTensor:
    """At most `count` sequences, at equal distances."""
    return tf.gather(sequences, spread_rows(sequences.nrows().numpy(), count))


def _print_reconstructions(
    settings: Settings, corpus: TokenIds, model: keras.Model
) -> None:
    # A window of a stream may end a sentence with its first word.
    has_words = tf.reduce_all(corpus.test[:, :4].to_tensor() != END_ID, axis=1)
    shown = tf.ragged.boolean_mask(corpus.test, has_words)
    if shown.nrows() <= _NUM_RECONSTRUCTIONS:
        shown = corpus.test
    # Distances of a quarter, so that the first and the last are none of them.
    chosen = _spread(shown, _NUM_RECONSTRUCTIONS + 1)
    tokens = chosen[-_NUM_RECONSTRUCTIONS:].to_tensor()
    texts = corpus.vocabulary.to_text(tokens).numpy()
    again = reconstructed_texts(settings, model, tokens)
    print("\nReconstructions of test sequences:")
    for text, reconstruction in zip(texts, again, strict=True):
        print(f"  text   {shown_text(text.decode())}")
        print(f"  again  {shown_text(reconstruction)}")
