"""«Модели» on the editors' page: what would change is seen before a version may answer, in a real browser."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from service.app import create_app
from service.loading import open_registry
from service.settings import Settings
from tests.browser import DESK, PHONE, browser, opened, tab_to
from tests.sample_model import articles, trained
from tests.serving import listening, serving
from tests.test_gates import FALL, RISE, keep
from tests.test_page_browser import FAILED_TO_LOAD, faultless, sideways

__all__ = ["browser"]

pytestmark = pytest.mark.slow

DECIDED = 30


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, httpx.Client, str]]:
    """The baseline answers; the sample's model is there too, and was refused."""
    home = tmp_path_factory.mktemp("home")
    trained().write(home / "model", compress=False, with_report=False)
    registry = open_registry(Settings(home=home))
    version = registry.add(home / "model", reason="test")
    keep(registry.gates, version, FALL, RISE)
    app = create_app(Settings(home=home))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for article in articles()[:DECIDED]:
            sent = {"id": article.id, "title": article.title, "text": article.text}
            seen = {"article": sent, "final": {"tags": []}, "seen": True}
            assert client.post("/corrections", json=seen).status_code == 201
        yield f"http://127.0.0.1:{port}", client, version


def section(page: Page, version: str) -> Any:
    return page.locator(f"[aria-label='Версия {version}']")


def test_what_would_change_is_told_before_a_version_may_answer(
    browser: Browser, service: tuple[str, httpx.Client, str]
) -> None:
    url, client, version = service
    told = client.get(f"/models/baseline/diff?to={version}").json()
    assert told["decided"] == DECIDED < told["articles"]
    with opened(browser, url, "/#models") as page:
        expect(section(page, version).locator("h2")).to_contain_text("сравнение не прошла")
        section(page, version).get_by_role("button", name="Сделать активной…").click()
        expect(page.locator("#reason")).to_be_visible(timeout=30_000)
        panel = section(page, version).locator(".changing")
        expect(panel).to_contain_text("Стало хуже: рубрика «спорт» (0,81 → 0,74)")
        expect(panel).to_contain_text(f"Другой ответ – у {told['changed']} из {told['articles']} статей")
        expect(panel).to_contain_text(f"решали редакторы ({DECIDED})")
        expect(panel).to_contain_text(f"«{told['shifts'][0]['label']}»")
        expect(panel).to_contain_text("Статьи, ответ на которые изменится")
        page.get_by_text("Какие слова сдвинулись").click()
        expect(panel).to_contain_text("сильнее за рубрику")
        faultless(page, "what would change")
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        expect(page.locator(":focus")).to_have_text("Сделать активной…")


def test_the_gate_and_the_card_are_read_in_russian(browser: Browser, service: tuple[str, httpx.Client, str]) -> None:
    url, _, version = service
    with opened(browser, url, "/#models", **PHONE) as page:
        section(page, version).locator("summary", has_text="Сравнение").tap()
        row = section(page, version).locator("tr", has_text="рубрика «спорт»")
        expect(row).to_contain_text("−0,07")
        expect(row).to_contain_text("хуже")
        expect(section(page, version)).to_contain_text("все остальные метки вместе")
        expect(section(page, version)).to_contain_text("противоречат друг другу или архиву: 3")
        section(page, "baseline").locator("summary", has_text="Карточка").tap()
        expect(section(page, "baseline")).to_contain_text("Рубрики: Экономика, Спорт")
        expect(section(page, "baseline")).to_contain_text("без просмотра не публикует ничего")
        section(page, "baseline").locator("summary", has_text="по-английски").tap()
        expect(section(page, "baseline").locator(".card")).to_contain_text("Learnt from")
        assert sideways(page) == 0
        faultless(page, "cards on a phone")


def test_a_version_is_made_active_and_rolled_back_by_keyboard_with_a_reason(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as served, opened(browser, served.url, "/#models", errors=(FAILED_TO_LOAD,)) as page:
        [first, _] = served.versions
        tab_to(page, f"[aria-label='Версия {first}'] button")
        page.keyboard.press("Enter")
        expect(page.locator("#reason")).to_be_visible()
        expect(section(page, first)).to_contain_text("Сравнить не удалось")  # fake models can't be compared
        tab_to(page, "#reason")
        page.keyboard.press("Enter")
        expect(page.locator("#alert")).to_contain_text("почему меняете модель")
        page.keyboard.insert_text("проверка перед выборами")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text(f"теперь отвечает {first}")
        expect(section(page, first).locator(".badge")).to_have_text("отвечает сейчас")
        assert served.client.get("/activations").json()[-1]["reason"] == "проверка перед выборами"

        page.click("text=Вернуть прежнюю…")
        page.fill("#reason", "стало хуже")
        page.click("text=Вернуть baseline")
        expect(page.locator("#status")).to_contain_text("теперь отвечает baseline")
        assert served.client.get("/activations").json()[-1]["action"] == "rollback"


def test_what_answered_on_a_day_is_told(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as served, opened(browser, served.url, "/#models", **DESK) as page:
        served.registry.activate(served.versions[0], "лучше")
        served.registry.activate(served.versions[1], "ещё лучше")
        page.reload()
        now = datetime.now(UTC).astimezone()
        page.fill("#answered-day", f"{now:%Y-%m-%d}")
        told = page.locator("#answered-on")
        expect(told.locator("li")).to_have_count(3)
        expect(told.locator("li").last).to_contain_text(f"{served.versions[1]}: с ")
        expect(told.locator("li").last).to_contain_text("до сих пор – ещё лучше")
        page.fill("#answered-day", f"{now - timedelta(days=3):%Y-%m-%d}")
        expect(told.locator("li")).to_have_count(1)
        expect(told).to_contain_text("baseline: до ")
        faultless(page, "what answered on a day")
