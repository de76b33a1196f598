"""Runs of the topic models: data, model, topics, results."""

import csv

import numpy as np
import pytest

from keras_textgen.cli.settings import RunError, parse
from keras_textgen.data.readers.files import DataError
from keras_textgen.models.topics.prodlda import ProdLDA
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from keras_textgen.tasks.topics import TopicsOfEpoch, TopicTask

SIZES = [
    "--latent_dim=3",
    "--num_topics=2",
    "--batch_size=16",
    "--optimizer=nadam",
    "--learning_rate=0.05",
]
ROSES = ["Red roses and wine.", "The wine is red, the roses too!", "Red wine"]
SHIPS = ["A ship at sea", "The ship sails a wild sea", "Wild sea, wild ship"]


def written(folder, labeled=True):
    lines = []
    for label, texts in (("love", ROSES), ("travel", SHIPS)):
        start = f"{label}\t" if labeled else ""
        lines += [f"{start}{texts[i % 3]}" for i in range(30)]
    path = folder / "poems.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def settings_of(path, *arguments):
    flags = ["--model=sae", "--dataset=text", f"--data_dir={path}"]
    return parse(["trainer.py", *flags, *SIZES, *arguments], path.parent)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return written(tmp_path_factory.mktemp("poems"))


@pytest.fixture(scope="module")
def task(path):
    return TopicTask(settings_of(path))


@pytest.fixture(scope="module")
def trained(task):
    model = task.build_model()
    batches = task.training_batches()
    history = model.fit(
        batches.training_stream(),
        steps_per_epoch=batches.steps_per_epoch,
        epochs=20,
        validation_data=task.evaluation_data("valid"),
        verbose=0,
    )
    (callback,) = task.diagnostics(model)
    callback.set_model(model)
    logs = {}
    callback.on_epoch_end(0, logs)
    return model, history.history, logs


def test_data(task):
    words = {"red", "roses", "wine", "ship", "sea", "sails", "wild"}
    model = task.make_model()
    assert set(model.vocabulary.get_vocabulary()[4:]) == words
    # 24 of 30 of each label.
    assert task.size_text.startswith("7 words, 48 training documents, ")
    assert task.training_batches().steps_per_epoch == 3
    assert task.corpus.name == "text"
    rows = [bags["counts"].shape[0] for bags in task.evaluation_data("valid")]
    assert rows == [6]


def test_stop_words_that_are_left_out_are_said(path, capsys):
    said = "Left out: the stop words of English (--nostop_words keeps them)"
    TopicTask(settings_of(path))
    assert said in capsys.readouterr().out
    task = TopicTask(settings_of(path, "--nostop_words"))
    assert said not in capsys.readouterr().out
    assert "and" in task.make_model().vocabulary.get_vocabulary()


def test_every_flag_reaches_the_model(path):
    given = {
        "latent_dim": 4,
        "num_topics": 3,
        "alpha": 7.0,
        "l2": 0.25,
        "tied": False,
        "code_activation": "tanh",
        "seed": 5,
    }
    flags = [f"--{name}={value}" for name, value in given.items()]
    model = TopicTask(settings_of(path, *flags)).make_model()
    config = model.get_config()
    given["activation"] = given.pop("code_activation")
    assert {name: config[name] for name in given} == given


def without_topics(path):
    arguments = ["--num_topics=default"]
    return TopicTask(settings_of(path, *arguments)).make_model().num_topics


def test_number_of_topics_that_nobody_gave(path, tmp_path):
    assert without_topics(path) == 2
    # 48 training documents, ten a topic.
    assert without_topics(written(tmp_path, labeled=False)) == 4


def test_words_that_are_left_out(path):
    task = TopicTask(settings_of(path, "--stop_words=false", "--max_share=0.4"))
    words = task.make_model().vocabulary.get_vocabulary()[4:]
    assert "too" in words
    assert not {"red", "ship"} & set(words)


def test_fingerprint_depends_on_the_data(path, task, tmp_path):
    assert TopicTask(settings_of(path)).fingerprint() == task.fingerprint()
    others = TopicTask(settings_of(path, "--split_seed=1"))
    assert others.fingerprint() != task.fingerprint()
    fewer = TopicTask(settings_of(path, "--max_share=0.4"))
    assert fewer.fingerprint() != task.fingerprint()
    assert task.fits(task.make_model())
    assert not fewer.fits(task.make_model())


def test_topics_of_an_epoch(trained):
    _, history, logs = trained
    assert history["val_loss"][-1] < history["val_loss"][0]
    assert logs == pytest.approx(
        {"val_homogeneity": 1, "val_completeness": 1, "val_v_measure": 1}
    )


def test_without_labels_there_is_no_agreement(tmp_path, capsys):
    task = TopicTask(settings_of(written(tmp_path, labeled=False)))
    model = task.build_model()
    (callback,) = task.diagnostics(model)
    assert isinstance(callback, TopicsOfEpoch)
    callback.set_model(model)
    logs = {}
    callback.on_epoch_end(0, logs)
    assert logs == {}
    capsys.readouterr()
    task.print_results(model, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Test set, with the weights of the best epoch:"
    assert lines[2].split() == ["method", "NPMI", "diversity"]
    assert [line.split()[0].rstrip(",") for line in lines[3:8]] == [
        "SAE",
        "tf-idf",
        "LSA-50",
        "LDA",
        "NMF",
    ]
    assert "-" not in lines[3].split()
    assert "commonest" not in (tmp_path / "topics.html").read_text("utf-8")


def test_results(task, trained, tmp_path, capsys):
    files = task.print_results(trained[0], tmp_path)
    assert set(files) == {"topics.csv", "topics.html"}
    printed = capsys.readouterr().out
    assert "tf-idf + K-means" in printed
    assert "LSA-50 + K-means" in printed
    # Either word of a text tells its label, and so do the codes.
    for name in ("codes", "words"):
        row = next(
            line for line in printed.splitlines() if f" {name}, " in line
        )
        assert row.split()[-2:] == ["1.0000", "1.0000"]
    with open(tmp_path / "topics.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert rows[1]["method"] == "SAE + K-means"
    assert rows[1]["split"] == "test"
    assert float(rows[1]["v_measure"]) == pytest.approx(1)
    page = (tmp_path / "topics.html").read_text("utf-8")
    # All documents of all splits are on the map, and half of them in a topic.
    assert "of 60 of 60 documents" in page
    assert page.count("<td>30</td>") == 2


def test_export(trained, tmp_path):
    model = trained[0]
    assert isinstance(model, SoftmaxAutoencoder)
    model.export(tmp_path / "export")
    assert (tmp_path / "export" / "saved_model.pb").is_file()


def prodlda_task(path, *arguments):
    flags = ["--model=prodlda", "--dataset=text", f"--data_dir={path}"]
    flags += ["--num_topics=2", "--batch_size=16", *arguments]
    return TopicTask(parse(["trainer.py", *flags], path.parent))


def test_every_flag_reaches_prodlda(path):
    given = {
        "num_topics": 3,
        "concentration": 0.25,
        "dropout": 0.125,
        "free_bits": 2.0,
        "seed": 5,
    }
    names = {"concentration": "prior_concentration"}
    flags = [f"--{names.get(n, n)}={value}" for n, value in given.items()]
    schedule = ["--kl_schedule=linear", "--kl_epochs=2", "--kl_max=0.5"]
    task = prodlda_task(path, *flags[1:], *schedule, flags[0])
    model = task.make_model()
    assert isinstance(model, ProdLDA)
    assert {name: model.get_config()[name] for name in given} == given
    # Three steps an epoch.
    assert model.kl_schedule.get_config() == {
        "num_steps": 6,
        "start_step": 0,
        "max_weight": 0.5,
    }


def test_prodlda_is_trained_with_the_momentum_that_is_given(path):
    optimizer = prodlda_task(path, "--beta_1=0.95").build_model().optimizer
    assert optimizer.beta_1 == 0.95
    assert prodlda_task(path).build_model().optimizer.beta_1 == 0.9


def test_results_of_prodlda(path, tmp_path, capsys):
    task = prodlda_task(path, "--learning_rate=0.05")
    model = task.build_model()
    # Batches of both labels: statistics of one would be of its words alone.
    batches = task.training_set(8)
    model.fit(
        batches.training_stream(),
        steps_per_epoch=batches.steps_per_epoch,
        epochs=20,
        verbose=0,
    )
    (callback,) = task.diagnostics(model)
    callback.set_model(model)
    logs = {}
    callback.on_epoch_end(0, logs)
    assert logs["val_v_measure"] == pytest.approx(1)
    capsys.readouterr()
    files = task.print_results(model, tmp_path)
    assert set(files) == {"topics.csv", "topics.html"}
    printed = capsys.readouterr().out
    assert "\n  ProdLDA " in printed
    test = task.corpus.counts["test"]
    figures = model.evaluate(test, verbose=0, return_dict=True)
    assert f"test: {figures['elbo']:.2f} nats a document" in printed


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--min_count=99"],
            "--dataset=text --data_dir=.*poems.txt: no word is left with --min",
        ),
        (["--num_topics=49"], "num_topics=49 for 48 training documents"),
    ],
)
def test_refusals_in_one_line(path, flags, message):
    with pytest.raises(RunError, match=message) as error:
        TopicTask(settings_of(path, *flags)).build_model()
    assert "\n" not in str(error.value)


def test_seed_alone_decides(path):
    kernels = [
        TopicTask(settings_of(path, f"--seed={seed}")).make_model().kernel
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(kernels[0].numpy(), kernels[1].numpy())
    assert not np.array_equal(kernels[0].numpy(), kernels[2].numpy())


def test_documents_without_a_known_word_are_named_and_left_out(
    tmp_path, capsys
):
    path = written(tmp_path, labeled=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write("odd\t1 2 3\nodd\t? !\n" * 10)
    task = TopicTask(settings_of(path))
    out = capsys.readouterr().out
    assert "Left out of the train set: 16 of 64 documents, without a kno" in out
    assert "and 11 more of it, counted from 1)." in out
    assert "Left out of the test set: 2 of 8 documents" in out
    corpus = task.corpus
    assert len(corpus.train) == len(corpus.labels["train"]) == 48
    assert not np.isin(corpus.labels["test"], 1).any()
    assert task.training_batches().num_documents == 48


def test_characters_in_the_place_of_words(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("我爱玫瑰\n大海与船\n" * 20, "utf-8")
    task = TopicTask(settings_of(path, "--tokenizer=character"))
    words = task.make_model().vocabulary.get_vocabulary()[4:]
    assert sorted(words) == sorted("我爱玫瑰大海与船")
    other = tmp_path / "all.txt"
    lines = [f"句子{number:03}" for number in range(40)]
    other.write_text("\n".join(lines), "utf-8")
    message = "no document of valid has a known word.*tokenizer=character"
    with pytest.raises(DataError, match=message):
        TopicTask(settings_of(other))
