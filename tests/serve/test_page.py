"""The page to try a model on, in a real browser."""

import importlib
import threading
import time

import pytest

from keras_textgen import from_preset
from keras_textgen.cli.presets import find_preset
from keras_textgen.cli.settings import read_flagfile
from tests.browser import check, chromium, opened

uvicorn = pytest.importorskip("uvicorn", reason="no uvicorn (extra serve)")
served = importlib.import_module("keras_textgen.serve.app")

TEXT = "we must protect our country and our schools ."


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def address_of():
    """Serves a preset; gives its address."""
    servers = []

    def serve(preset, texts=()):
        settings = read_flagfile(find_preset(preset) / "flags.txt")
        app = served.make_app(settings, from_preset(preset), texts=texts)
        options = {"host": "127.0.0.1", "port": 0, "log_level": "warning"}
        server = uvicorn.Server(uvicorn.Config(app, **options))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.05)
        (listening,) = server.servers[0].sockets
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for server, thread in servers:
        server.should_exit = True
        thread.join(60)


def asked(page, text, mode):
    """The text of the answer to what is typed."""
    page.locator("#input").fill(text)
    page.get_by_role("button", name=mode, exact=True).click()
    answered = page.locator("#answer h3", has_text=text)
    answered.wait_for(timeout=60_000)
    return page.locator("#answer").inner_text()


@pytest.mark.parametrize(
    ("preset", "modes"),
    [
        (
            "vae_sotu",
            {
                "reconstruct": "reconstruction",
                "score": "log likelihood at least",
                "neighbors": "cosine",
                "encode": ",",
            },
        ),
        ("han_sotu", {"classify": "Republican", "attention": "schools"}),
        ("sae_sotu", {"topics": "words"}),
    ],
)
def test_a_text_that_is_typed(preset, modes, browser, address_of):
    texts = ["peace is near .", TEXT] if preset == "vae_sotu" else ()
    address = address_of(preset, texts)
    for mode, expected in modes.items():
        with opened(browser, address) as (page, said):
            assert expected in asked(page, TEXT, mode)
            assert page.locator("#answer h3").inner_text() == TEXT
            assert said == []
    last = list(modes)[-1]
    check(browser, address, lambda page: asked(page, TEXT, last))


def test_recommendations(browser, address_of):
    address = address_of("dmf_sotu")
    check(
        browser, address, lambda page: asked(page, "1862 Lincoln", "recommend")
    )
    with opened(browser, address) as (page, _):
        assert "rank" in asked(page, "1862 Lincoln", "recommend")
        assert "The model knows nothing of it." in asked(
            page, "nobody", "recommend"
        )


def test_a_code_that_is_moved(browser, address_of):
    model = from_preset("vae_sotu")
    with opened(browser, address_of("vae_sotu")) as (page, said):
        page.locator("#input").fill(TEXT)
        page.locator("#dimension").fill("3")
        page.locator("#move").fill("2")
        page.locator("#answer h3").wait_for(timeout=60_000)
        head = page.locator("#answer h3").inner_text()
        assert head == f"{TEXT}: dimension 3, moved by 2"
        code = model.encode([TEXT])
        code[0, 2] += 2
        (expected,) = model.decode(code)
        assert expected in page.locator("#answer").inner_text()
        assert said == []


def test_what_is_refused_is_said(browser, address_of):
    with opened(browser, address_of("sae_sotu")) as (page, _):
        page.get_by_role("button", name="topics", exact=True).click()
        page.locator("#answer p").wait_for()
        assert page.locator("#answer").inner_text() == (
            "0 texts; allowed: 1 to 1,000"
        )
