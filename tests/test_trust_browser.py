"""Blind audits, doubts and warnings on the editors' page: a real browser over a real service and a model that is sure
of everything."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from service.app import create_app
from service.settings import Settings
from tests.browser import DESK, PHONE, browser, opened, tab_to
from tests.fake_service import fake_registry
from tests.serving import listening
from tests.test_audits import Sure, annotate, audits, judge, published, until
from tests.test_page_browser import faultless, sideways

__all__ = ["browser"]

pytestmark = pytest.mark.slow

OTHER, MODELS = "Другая рубрика", "Рубрика baseline"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    registry, _ = fake_registry(tmp_path)
    app = create_app(Settings(home=tmp_path, audit_share=1.0), registry, lambda directory: Sure(directory.name))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


def url_of(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


def queue_of(page: Page, strategy: str) -> None:
    page.check(f"#strategy input[value={strategy}]")
    page.wait_for_load_state("networkidle")


def test_an_article_is_judged_blind_by_keyboard_and_then_the_models_label_is_told(
    browser: Browser, client: httpx.Client
) -> None:
    published(client, ["first", "second"])
    with opened(browser, url_of(client), "/#review") as page:
        queue_of(page, "audit")
        expect(page.locator("#heading-audit")).to_have_text("Статья first")
        assert MODELS not in page.locator("main").inner_text()
        tab_to(page, "#audit-rubric")
        page.keyboard.type("другая")
        expect(page.locator("#audit-rubric-list")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#audit .chosen").first).to_contain_text(OTHER)
        faultless(page, "audit")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#heading-audit")).to_have_text("Модель сказала")
        expect(page.locator("#revealed")).to_contain_text(f"не совпало – рубрика «{MODELS}»")
        faultless(page, "revealed")
        expect(page.locator("#audit-next")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#heading-audit")).to_have_text("Статья second")
        expect(page.locator("#heading-audit")).to_be_focused()
    until(lambda: audits(client).get("rubric:r", {}).get("count") == 1)
    assert audits(client)["rubric:r"]["right"] == 0


def test_nothing_is_sent_before_anything_was_looked_at(browser: Browser, client: httpx.Client) -> None:
    published(client, ["first"])
    with opened(browser, url_of(client), "/#review") as page:
        queue_of(page, "audit")
        page.click("text=Сохранить и узнать")
        expect(page.locator("#alert")).to_contain_text("Выберите рубрику")
        page.fill("#audit-rubric", "Дру")
        page.click("text=Сохранить и узнать")
        expect(page.locator("#alert")).to_contain_text("остался текст")
        expect(page.locator("#audit-rubric")).to_be_focused()
    assert client.get("/corrections").json()["corrections"] == []


def test_numbers_have_intervals_and_what_lost_trust_stands_above_everything(
    browser: Browser, client: httpx.Client
) -> None:
    for prediction in published(client, [f"a{i}" for i in range(12)]):
        judge(client, prediction, "a")
    until(lambda: client.get("/health/ready").json()["held_back"] == [MODELS])
    with opened(browser, url_of(client), "/#numbers") as page:
        row = page.locator("#figures tr", has_text=f"«{MODELS}»")
        expect(row).to_contain_text("0 из 12")
        expect(row).to_contain_text("на просмотр")
        expect(row).to_contain_text("0 % – ")
        expect(page.locator("#banner .bad")).to_contain_text(f"«{MODELS}»")
        expect(page.locator("#banner")).to_contain_text("Это модель из поставки")
        faultless(page, "numbers")
        page.click("nav a[href='#article']")
        expect(page.locator("#banner .bad")).to_be_visible()


def test_doubts_say_in_a_sentence_why(browser: Browser, client: httpx.Client) -> None:
    for i in range(4):
        article = {"id": f"e{i}", "title": "Мост открыли", "text": f"Статья {i}."}
        sent = {"article": article, "final": {"rubric": {"id": "r" if i else "a"}}, "seen": True, "actor": "Анна"}
        assert client.post("/corrections", json=sent).status_code == 201
    second = {"article_id": "e1", "final": {"rubric": {"id": "a"}}, "seen": True, "actor": "Борис"}
    assert client.post("/corrections", json=second).status_code == 201
    with opened(browser, url_of(client), "/#review") as page:
        queue_of(page, "disagreement")
        expect(page.locator("#queue li")).to_contain_text(f"Редакторы выбрали разное: Борис – «{OTHER}», Анна")
        queue_of(page, "label_error")
        found = page.locator("#queue li", has_text="Статья e0")
        expect(found).to_contain_text(f"Выбрано: «{OTHER}» (Анна). Модель была за «{MODELS}» на 90")
        faultless(page, "doubts")


def test_all_of_it_fits_a_phone(browser: Browser, client: httpx.Client) -> None:
    [first, *_] = published(client, ["a-very-long-number-of-an-article-" * 4, "second"])
    judge(client, first, "a")
    annotate(client, "third")
    with opened(browser, url_of(client), "/#review", **PHONE) as page:
        queue_of(page, "audit")
        assert sideways(page) == 0
        small = page.locator("#audit button, #audit .check").evaluate_all(
            "all => all.filter(one => one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"
        )
        assert small == []
        page.goto(f"{url_of(client)}/#numbers")
        page.wait_for_load_state("networkidle")
        assert sideways(page) == 0


def test_axe_finds_nothing_in_the_dark(browser: Browser, client: httpx.Client) -> None:
    published(client, ["first"])
    with opened(browser, url_of(client), "/#review", color_scheme="dark", **DESK) as page:
        queue_of(page, "audit")
        faultless(page, "audit in the dark")
