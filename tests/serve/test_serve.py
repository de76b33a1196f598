"""A model behind a port answers as it does in Python."""

import concurrent.futures
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from keras_textgen import from_preset
from keras_textgen.cli.presets import find_preset
from keras_textgen.cli.settings import read_flagfile
from keras_textgen.serve.__main__ import main

httpx, testclient, _, _ = (
    pytest.importorskip(name, reason=f"no {name} (extras serve and dev)")
    for name in ("httpx", "fastapi.testclient", "prometheus_client", "uvicorn")
)
served = importlib.import_module("keras_textgen.serve.app")

TEXTS = ["the state of the union is strong .", "we must protect our country"]


def client_of(preset, model=None, texts=(), **limits):
    settings = read_flagfile(find_preset(preset) / "flags.txt")
    model = from_preset(preset) if model is None else model
    limits = served.Limits()._replace(**limits)
    app = served.make_app(settings, model, limits, texts)
    return testclient.TestClient(app)


@pytest.fixture(scope="module")
def vae():
    return from_preset("vae_sotu")


@pytest.fixture(scope="module")
def client(vae):
    return client_of("vae_sotu", vae)


def results(response):
    assert response.status_code == 200, response.text
    return response.json()["results"]


def test_codes_are_those_of_python(client, vae):
    found = results(client.post("/encode", json={"texts": [*TEXTS, " "]}))
    assert found[2] is None
    (nothing,) = results(client.post("/encode", json={"texts": ["\u200b"]}))
    assert nothing is None
    codes = np.array([each["code"] for each in found[:2]])
    np.testing.assert_allclose(codes, vae.encode(TEXTS), rtol=1e-5, atol=1e-6)
    texts = results(client.post("/decode", json={"codes": codes.tolist()}))
    assert texts == vae.decode(codes)


def test_options_are_those_of_the_shell(client, vae):
    body = {"texts": TEXTS, "importance_samples": 3}
    (first, _) = results(client.post("/score", json=body))
    expected = vae.log_likelihood(TEXTS, num_samples=3)
    np.testing.assert_allclose(
        first["log_likelihood_at_least"], expected[0], rtol=1e-5
    )
    body = {"num_samples": 2, "seed": 5, "prefix": "we must", "top_k": 9}
    texts = results(client.post("/generate", json=body))
    assert len(texts) == 2
    assert all(text.startswith("we must") for text in texts)
    assert results(client.post("/generate", json=body)) == texts


def test_interpolations_are_lists(client, vae):
    body = {"pairs": [TEXTS], "interpolation_steps": 2, "beam_width": 1}
    (steps,) = results(client.post("/interpolate", json=body))
    expected = vae.interpolate(*TEXTS, steps=2, beam_width=1)
    assert [each["text"] for each in steps] == expected


def test_other_kinds_of_models():
    han = client_of("han_sotu")
    known, unknown = results(
        han.post("/classify", json={"texts": [TEXTS[0], "xyzzy"]})
    )
    assert unknown is None
    probabilities = known["probability_of"].values()
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)

    dmf = from_preset("dmf_sotu")
    client = client_of("dmf_sotu", dmf)
    row, column = dmf.row_ids[3], dmf.col_ids[5]
    body = {"rows": [row, "nobody"], "recommendations": 2}
    best, nothing = results(client.post("/recommend", json=body))
    assert nothing is None
    assert [each["column"] for each in best] == (
        dmf.recommend([row], k=2).ids[0].tolist()
    )
    cells = {"cells": [[row, column]]}
    (cell,) = results(client.post("/score", json=cells))
    prediction = dmf.predict({"row": [row], "column": [column]}, verbose=0)
    assert cell["prediction"] == pytest.approx(float(prediction[0]))

    topics = client_of("sae_sotu")
    text = " ".join(from_preset("sae_sotu").topic_words(8)[2])
    (found,) = results(topics.post("/topics", json={"texts": [text]}))
    assert found["topic"] == int(from_preset("sae_sotu").topics([text])[0])


def test_attention_is_that_of_python():
    model = from_preset("han_sotu")
    client = client_of("han_sotu", model)
    text = "We must fund our schools. Peace is near."
    found, nothing, unknown = results(
        client.post("/attention", json={"texts": [text, " ", "xyzzy"]})
    )
    assert nothing is unknown is None
    (expected,) = model.attention([text])
    sentences = found["sentences"]
    assert [each["words"] for each in sentences] == expected.words
    np.testing.assert_allclose(
        [each["weight"] for each in sentences],
        expected.sentence_weights,
        atol=1e-6,
    )
    for each, weights in zip(sentences, expected.word_weights, strict=True):
        np.testing.assert_allclose(each["weights"], weights, atol=1e-6)


def test_neighbors_have_the_most_similar_codes(vae):
    texts = ["peace is near .", *TEXTS, "we need jobs ."]
    client = client_of("vae_sotu", vae, texts)
    body = {"texts": [TEXTS[0], " "], "k": 2}
    found, nothing = results(client.post("/neighbors", json=body))
    assert nothing is None
    assert found[0] == {"text": TEXTS[0], "cosine": pytest.approx(1, abs=1e-5)}
    codes = vae.encode([TEXTS[0], *texts])
    codes -= codes[1:].mean(axis=0)
    units = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    cosines = units[1:] @ units[0]
    second = np.argsort(-cosines)[1]
    assert found[1]["text"] == texts[second]
    assert found[1]["cosine"] == pytest.approx(cosines[second], abs=1e-5)
    refused = client.post("/neighbors", json={"texts": ["a"], "k": 101})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("k: Input should be less than")
    refused = client.post("/neighbors", json={"texts": ["a"], "n": 1})
    assert refused.json()["detail"] == "n: Extra inputs are not permitted"


def test_neighbors_of_columns_are_those_of_python():
    dmf = from_preset("dmf_sotu")
    client = client_of("dmf_sotu", dmf)
    column = dmf.col_ids[5]
    body = {"columns": [column, "no such word"], "k": 3}
    found, nothing = results(client.post("/neighbors", json=body))
    assert nothing is None
    expected = dmf.similar_columns([column], 3)
    assert [each["column"] for each in found] == expected.ids[0].tolist()


def test_texts_without_codes_are_no_neighbors():
    with pytest.raises(ValueError, match="lstm_lm, which has no codes; allow"):
        client_of("lstm_lm_sotu", texts=TEXTS)
    with pytest.raises(ValueError, match="0 texts with a known word to be fou"):
        client_of("sae_sotu", texts=["xyzzy"])


def test_samples_of_an_exact_likelihood_are_refused():
    client = client_of("lstm_lm_sotu")
    body = {"texts": TEXTS, "importance_samples": 3}
    refused = client.post("/score", json=body)
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "importance_samples=3 with model=lstm_lm, whose likelihood is exact; "
        "allowed: 0"
    )
    del body["importance_samples"]
    assert len(results(client.post("/score", json=body))) == len(TEXTS)


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("/encode", {"texts": []}, 422, "0 texts; allowed: 1 to 1,000"),
        ("/encode", {"texts": ["a"] * 1001}, 422,
         "1001 texts; allowed: 1 to 1,000"),
        ("/encode", {"texts": ["a" * 20_001]}, 422,
         "texts[0] of 20,001 characters; allowed: at most 20,000"),
        ("/encode", {"texts": "a"}, 422,
         "texts: Input should be a valid list"),
        ("/encode", {"texts": ["a"], "beam": 3}, 422,
         "beam: Extra inputs are not permitted"),
        ("/encode", {"txts": ["a"]}, 422, "texts: Field required"),
        ("/reconstruct", {"texts": ["a"], "beam_width": 0}, 422,
         "beam_width=0: must be a whole number of at least 1"),
        ("/interpolate", {"pairs": [["a"]]}, 422,
         "pairs[0] of 1 text; allowed: 2"),
        ("/generate", {"num_samples": 2000}, 422,
         "num_samples=2000; allowed: at most 1,000"),
        ("/interpolate", {"pairs": [TEXTS], "interpolation_steps": 200000},
         422, "interpolation_steps=200000; allowed: at most 100"),
        ("/score", {"texts": ["a"], "importance_samples": 10**6}, 422,
         "importance_samples=1000000; allowed: at most 1,000"),
        ("/score", {"texts": ["a"], "importance_samples": 0}, 422,
         "importance_samples=0 with mode=score; allowed: 1 or more"),
        ("/generate", {"condition_on": "a" * 20_001}, 422,
         "condition_on of 20,001 characters; allowed: at most 20,000"),
        ("/generate", {"condition_on": "a " * 1000}, 422,
         "condition_on of 1000 words; allowed: at most max_length=40"),
        ("/generate", {"prefix": "zyzzyva"}, 422,
         "prefix='zyzzyva': the model does not know the word 'zyzzyva'; "
         "allowed: words of its vocabulary"),
        ("/decode", {"codes": [[0.0]]}, 422,
         "codes of other lengths; allowed: 32 numbers each"),
        ("/decode", {"codes": [[0.0]], "k": 1}, 422,
         "k: Extra inputs are not permitted"),
        ("/classify", {"texts": ["a"]}, 404, "Not Found"),
        ("/neighbors", {"texts": ["a"]}, 404, "Not Found"),
    ],
)  # fmt: skip
def test_what_is_refused(client, path, body, status, detail):
    response = client.post(path, json=body)
    assert (response.status_code, response.json()["detail"]) == (status, detail)


def test_a_request_is_refused_before_it_is_read(vae):
    client = client_of("vae_sotu", vae, bytes=100)
    response = client.post("/encode", json={"texts": ["a" * 200]})
    assert response.status_code == 413
    assert response.json()["detail"].endswith("bytes; allowed: at most 100")
    response = client.post("/encode", content=iter([b"{}"]))
    assert response.status_code == 411


def test_too_many_and_too_long_are_told_so(vae, monkeypatch):
    go_on = threading.Event()

    class Slow:
        code_size = vae.code_size

        def decode(self, codes):
            go_on.wait(30)
            return ["a rose"] * len(codes)

    limits = {"waiting": 2, "at_once": 1, "seconds": 20.0}
    body = {"codes": [[0.0] * vae.code_size]}
    with (
        client_of("vae_sotu", Slow(), **limits) as client,
        concurrent.futures.ThreadPoolExecutor(3) as pool,
    ):
        waiting = [
            pool.submit(client.post, "/decode", json=body) for _ in range(2)
        ]
        time.sleep(1)
        busy = client.post("/decode", json=body)
        go_on.set()
        assert [each.result().status_code for each in waiting] == [200, 200]
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    go_on.clear()
    with client_of("vae_sotu", Slow(), seconds=0.2) as client:
        late = client.post("/decode", json=body)
        go_on.set()
    # What was given up has its place until it ends.
    go_on.clear()
    limits = {"waiting": 1, "at_once": 1, "seconds": 0.2}
    with client_of("vae_sotu", Slow(), **limits) as client:
        assert client.post("/decode", json=body).status_code == 504
        assert client.post("/decode", json=body).status_code == 503
        go_on.set()
        time.sleep(1)
        assert client.post("/decode", json=body).status_code == 200
    assert late.status_code == 504
    assert late.json()["detail"].startswith("not done after 0.2 s")


def test_health_metrics_and_pages(client):
    assert client.get("/health").json() == {"status": "ok", "model": "vae"}
    client.post("/encode", json={"texts": ["a"]})
    client.post("/encode", json={"texts": []})
    text = client.get("/metrics").text
    assert 'requests_total{endpoint="/encode",status="422"}' in text
    assert 'seconds_count{endpoint="/encode"}' in text
    assert "<textarea" in client.get("/").text
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/encode", "/score", "/reconstruct", "/interpolate", "/generate",
        "/decode", "/health", "/metrics",
    }  # fmt: skip


def test_a_server_ends_what_it_has_begun():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "keras_textgen.serve", "vae_sotu"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    address = f"http://127.0.0.1:{port}"
    with (
        subprocess.Popen(
            [*command, f"--port={port}"], env=environment
        ) as server,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        for _ in range(600):
            try:
                httpx.get(f"{address}/health")
                break
            except httpx.ConnectError:
                time.sleep(0.2)
        body = {"texts": TEXTS * 200, "beam_width": 5}
        answer = pool.submit(
            httpx.post, f"{address}/reconstruct", json=body, timeout=120
        )
        time.sleep(1.5)
        assert not answer.done()
        server.send_signal(signal.SIGTERM)
        assert len(results(answer.result())) == 400
        server.wait(60)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health")


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("nowhere", "nowhere: no such run; allowed: the folder of a run, or"),
        (".", ".: there is no run (flags.txt is missing); allowed: the folder"),
    ],
)
def test_what_cannot_be_served(run, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([run]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"python -m keras_textgen.serve: {message}")
    assert error.count("\n") == 1


def test_neighbors_of_no_texts_are_refused(tmp_path, capsys):
    path = tmp_path / "texts.txt"
    path.write_text("\n\n")
    assert main(["vae_sotu", f"--neighbors={path}"]) == 2
    error = capsys.readouterr().err
    assert f"--neighbors={path} without a text; allowed: 1 text" in error
    assert error.count("\n") == 1


def test_a_damaged_model_is_not_served(tmp_path, capsys):
    (tmp_path / "flags.txt").write_text("--model=vae\n")
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 and no more")
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert f"serve: {tmp_path / 'model.keras'}: cannot be loaded (" in error
    assert error.count("\n") == 1


def test_an_address_is_refused_before_the_model_is_loaded(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["vae_sotu", f"--port={port}"]) == 2
    assert main(["vae_sotu", "--port=99999"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert f"--host=127.0.0.1 --port={port}: Address already in use" in first
    assert second.endswith("--port=99999; allowed: 1 to 65535")


def test_an_error_that_nobody_has_foreseen_is_one_line(vae):
    class Broken:
        code_size = vae.code_size

        def decode(self, codes):
            raise KeyError(codes.shape)

    app = client_of("vae_sotu", Broken()).app
    with testclient.TestClient(app, raise_server_exceptions=False) as client:
        body = {"codes": [[0.0] * vae.code_size]}
        response = client.post("/decode", json=body)
    assert response.status_code == 500
    assert response.json() == {"detail": "the model failed (KeyError)"}
