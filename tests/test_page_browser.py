"""The editors' page in a real browser, with real keys and clicks, over a real service."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import DESK, PHONE, browser, opened, paste, tab_to
from tests.process import Process, process
from tests.sample_model import articles

__all__ = ["browser"]

pytestmark = pytest.mark.slow

SECTIONS = ("article", "review", "vocabulary", "models", "jobs", "numbers")
ARTICLE = next(article for article in articles() if article.id == "s003")  # with tags of persons
TAG, TAG_LABEL = "vladimir-putin", "Владимир Путин"
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
FAILED_TO_LOAD = "Failed to load resource"  # Chromium's own word for any answer from 400 on


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, httpx.Client]]:
    with process(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def url(service: tuple[Process, httpx.Client]) -> str:
    return service[0].url


@pytest.fixture
def client(service: tuple[Process, httpx.Client]) -> httpx.Client:
    return service[1]


def answered(page: Page, id_: str, **other: str) -> None:
    """Fills the form in and sends it."""
    fields = {"title": ARTICLE.title, "lead": ARTICLE.lead, "text": ARTICLE.text} | other
    for name, value in fields.items():
        page.fill(f"#{name}", value or "")
    page.fill("#id", id_)
    page.press("#id", "Control+Enter")
    expect(page.locator("#heading-answer")).to_be_focused()


def answer_of(client: httpx.Client, id_: str) -> dict[str, Any]:
    sent = {"id": id_, "title": ARTICLE.title, "lead": ARTICLE.lead, "text": ARTICLE.text}
    answer: dict[str, Any] = client.post("/annotate", json=sent).json()
    return answer


def tags_of(answer: dict[str, Any]) -> set[str]:
    return {tag["id"] for tag in answer["tags"]}


def test_an_article_is_annotated_and_corrected_by_keyboard_alone(
    browser: Browser, url: str, client: httpx.Client
) -> None:
    with opened(browser, url) as page:
        paste(page, "#title", ARTICLE.title or "")
        paste(page, "#lead", ARTICLE.lead or "")
        paste(page, "#text", ARTICLE.text or "")
        paste(page, "#id", "by-keyboard")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#heading-answer")).to_be_focused()
        suggested = page.locator("input[name=rubric]:checked").get_attribute("value")

        page.keyboard.press("2")
        chosen = page.locator("input[name=rubric]:checked").get_attribute("value")
        assert chosen != suggested
        number = tags_of(answer_of(client, "another"))
        assert TAG in number
        tag = page.locator("#head-tags .label", has_text=TAG_LABEL).locator("input")
        tab_to(page, f"#{tag.get_attribute('id')}")
        page.keyboard.press("Space")
        expect(tag).not_to_be_checked()
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Сохранено, правка №")

        expect(page.locator("#rejected")).to_contain_text(TAG_LABEL)
        expect(page.locator("#head-tags .labels")).not_to_contain_text(TAG_LABEL)
        answer = answer_of(client, "by-keyboard")
        assert TAG not in tags_of(answer)
        assert answer["rubric"]["id"] == chosen
        assert TAG in {one["id"] for one in answer["suppressed"]}

        page.keyboard.press("u")
        expect(page.locator("#status")).to_contain_text("отменена")
        expect(page.locator("#head-tags .labels")).to_contain_text(TAG_LABEL)
        answer = answer_of(client, "by-keyboard")
        assert TAG in tags_of(answer)
        assert answer["rubric"]["id"] == suggested


def test_only_what_was_looked_at_is_sent(browser: Browser, url: str, client: httpx.Client) -> None:
    with opened(browser, url) as page:
        answered(page, "looked-at")
        page.click("text=Сохранить проверенное")
        expect(page.locator("#alert")).to_contain_text("Отметьте «Проверено»")
        page.fill("#add-tags", "дипломат")
        expect(page.locator("#add-tags-list")).to_be_visible()
        page.press("#add-tags", "Escape")
        page.fill("#add-tags", "Мост через Каму")
        page.press("#add-tags", "Enter")
        page.click("text=Сохранить проверенное")
        expect(page.locator("#status")).to_contain_text("Сохранено")
    [correction] = client.get("/corrections?article_id=looked-at").json()["corrections"]
    assert list(correction["final"]) == ["tags"]
    assert [one["label"] for one in correction["added"]["tags"]] == ["Мост через Каму"]
    assert correction["seen"] is True


def test_text_that_is_left_in_a_field_is_not_lost(browser: Browser, url: str, client: httpx.Client) -> None:
    with opened(browser, url) as page:
        answered(page, "left")
        page.fill("#add-tags", "Мост через Каму")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#alert")).to_contain_text("«Добавить тег» остался текст")
        expect(page.locator("#add-tags")).to_be_focused()
    assert client.get("/corrections?article_id=left").json()["corrections"] == []


def test_an_earlier_decision_on_an_article_is_taken_back_later(
    browser: Browser, url: str, client: httpx.Client
) -> None:
    article = {"id": "earlier", "title": ARTICLE.title, "text": ARTICLE.text}
    client.post("/corrections", json={"article": article, "final": {"tags": []}, "seen": True, "actor": "Анна"})
    with opened(browser, url) as page:
        answered(page, "earlier")
        expect(page.locator("#rejected")).to_contain_text(TAG_LABEL)
        page.click("text=Прежние правки этой статьи")
        expect(page.locator(".history li")).to_contain_text("Анна")
        expect(page.locator(".history li")).to_contain_text(f"«{TAG_LABEL}»")
        page.click(".history button")
        expect(page.locator("#status")).to_contain_text("отменена")
        expect(page.locator("#head-tags .labels")).to_contain_text(TAG_LABEL)
    assert TAG in tags_of(answer_of(client, "earlier"))


def test_what_was_rejected_can_be_taken_back(browser: Browser, url: str, client: httpx.Client) -> None:
    rejecting = {"article": {"id": "back", "title": ARTICLE.title, "text": ARTICLE.text}, "seen": True}
    assert client.post("/corrections", json={**rejecting, "final": {"tags": []}}).status_code == 201
    with opened(browser, url) as page:
        answered(page, "back")
        page.click(f"[aria-label='вернуть: тег «{TAG_LABEL}»']")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Сохранено")
    assert TAG in tags_of(answer_of(client, "back"))


def test_words_are_marked_where_they_stand(browser: Browser, url: str, client: httpx.Client) -> None:
    title = "🙂🙂 " + (ARTICLE.title or "")
    sent = {"title": title, "text": ARTICLE.text}
    explain = client.post("/annotate?explain=words", json=sent).json()["explain"]
    with opened(browser, url) as page:
        answered(page, "marked", title=title, lead="")
        expect(page.locator("#legend")).to_contain_text("За:")
        marks = page.locator("#reading mark").all_inner_texts()
        assert set(re.findall(r"\w+", " ".join(marks))) == {
            word for one in explain["rubric"] for word in re.findall(r"\w+", one["text"])
        }
        page.locator("#head-tags .label", has_text=TAG_LABEL).locator("button").click()
        expect(page.locator("#legend")).to_contain_text(f"тег «{TAG_LABEL}»")
        assert "Путин" in " ".join(page.locator("#reading mark").all_inner_texts())


def test_why_not_says_the_score_that_was_needed(browser: Browser, url: str) -> None:
    with opened(browser, url) as page:
        answered(page, "why")
        page.keyboard.press("w")
        page.keyboard.type("футбол")
        expect(page.locator("#why-list")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#why-answer h4")).to_contain_text("Тег «футбол»")
        expect(page.locator("#why-answer h4")).to_contain_text("нужно не меньше")
        expect(page.locator("#why-answer")).to_contain_text("Названия тега в тексте нет")


def test_markup_in_an_article_is_text(browser: Browser, url: str) -> None:
    bad = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    with opened(browser, url) as page:
        answered(page, f"<b>{bad}", title=bad + (ARTICLE.title or ""))
        assert page.locator("#answer img, #answer script, #answer b").count() == 0
        expect(page.locator("#reading")).to_contain_text("onerror=alert(1)")
        page.fill("#add-tags", bad)
        page.press("#add-tags", "Enter")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Сохранено")


def test_a_file_of_articles_is_gone_through(browser: Browser, url: str, tmp_path: Path) -> None:
    file = tmp_path / "articles.jsonl"
    first = '{"id": "f1", "title": "Сборная выиграла первый матч чемпионата мира"}'
    second = '{"id": "f2", "title": "Сборная проиграла второй матч чемпионата мира", "stage": "draft"}'
    file.write_text(f"{first}\nno json\n{second}\n")
    with opened(browser, url) as page:
        page.click("summary:has-text('Открыть файл')")
        page.set_input_files("#file", file)
        expect(page.locator("#heading-answer")).to_contain_text("f1")
        expect(page.locator("#place")).to_have_text("1 из 2")
        page.keyboard.press("j")
        expect(page.locator("#heading-answer")).to_contain_text("f2")
        expect(page.locator("#heading-answer .badge")).to_have_text("черновик")
        page.keyboard.press("3")
        page.keyboard.press("s")
        expect(page.locator("#status")).to_contain_text("Это черновик")


def test_an_article_of_the_queue_is_opened_and_decided(browser: Browser, url: str, client: httpx.Client) -> None:
    answer_of(client, "queued")
    with opened(browser, url, "/#review") as page:
        page.click("text=с редкими рубриками")
        page.wait_for_load_state("networkidle")
        expect(page.locator("#queue a").first).to_be_visible()
        for _ in range(page.locator("#queue a").count()):
            page.keyboard.press("j")
            if page.locator(":focus").inner_text() == "Статья queued":
                break
        page.keyboard.press("Enter")
        expect(page.locator("#heading-answer")).to_contain_text("queued")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Сохранено")
        page.click("nav a[href='#review']")
        expect(page.locator("#view-review")).to_be_visible()
        expect(page.locator("#queue p").first).to_be_visible()
        expect(page.locator("#queue")).not_to_contain_text("Статья queued")


def test_an_erased_article_and_a_busy_service_are_told_in_words(
    browser: Browser, url: str, client: httpx.Client
) -> None:
    with opened(browser, url, errors=(FAILED_TO_LOAD,)) as page:
        calls = 0

        def busy_once(route: Route) -> None:
            nonlocal calls
            calls += 1
            if calls > 1:
                route.fallback()
                return
            problem = '{"type": "urn:rubricator:problem:busy", "title": "Сервис занят", "status": 503, "detail": ""}'
            headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
            route.fulfill(status=503, headers=headers, body=problem)

        page.route("**/annotate?*", busy_once)
        answered(page, "gone")
        assert calls >= 2
        assert client.delete("/articles/gone").status_code == 200
        page.keyboard.press("Control+Enter")
        expect(page.locator("#alert")).to_contain_text("Эта статья удалена")


def test_a_store_that_is_away_is_told_and_nothing_is_lost(browser: Browser, tmp_path: Path) -> None:
    away = process(tmp_path, store="postgresql://nobody@127.0.0.1:1/nothing")
    with away as (running, _), opened(browser, running.url, errors=(FAILED_TO_LOAD,)) as page:
        answered(page, "away")
        expect(page.locator("#answer .note.bad")).to_contain_text("хранилище решений недоступно")
        page.keyboard.press("2")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#alert")).to_contain_text("правка не сохранена", timeout=30_000)
        expect(page.locator("#rubric-2")).to_be_checked()
        page.goto(f"{running.url}/#numbers")
        expect(page.locator("#figures .note.bad")).to_contain_text("Хранилище недоступно")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_stumble_over(browser: Browser, url: str, client: httpx.Client, scheme: str) -> None:
    rejecting = {"article": {"id": "axe", "title": ARTICLE.title, "text": ARTICLE.text}, "seen": True}
    client.post("/corrections", json={**rejecting, "final": {"tags": []}})
    answer_of(client, f"axe-{scheme}")
    with opened(browser, url, color_scheme=scheme, **DESK) as page:
        for section in SECTIONS:
            page.click(f"nav a[href='#{section}']")
            page.wait_for_load_state("networkidle")
            if section == "models":
                page.click("summary:has-text('Карточка')")
                page.click("summary:has-text('Карточка целиком')")
                expect(page.locator(".card table").first).to_be_visible()
            faultless(page, section)
        page.click("nav a[href='#article']")
        answered(page, "axe")
        page.click("#help summary")
        page.click("text=Прежние правки этой статьи")
        expect(page.locator(".history li").first).to_be_visible()
        page.fill("#why", "полит")
        expect(page.locator("#why-list")).to_be_visible()
        faultless(page, "open list")
        page.press("#why", "Enter")
        expect(page.locator("#why-answer h4")).to_be_visible()
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Сохранено")
        faultless(page, "saved")


def faultless(page: Page, where: str) -> None:
    found = Axe().run(page, options=WCAG)
    told = [
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}"
        for one in found.response["violations"]
    ]
    assert told == [], f"{where}: {told}"


def test_a_phone_never_scrolls_sideways(browser: Browser, url: str, client: httpx.Client) -> None:
    answer_of(client, "a-very-long-number-of-an-article-" * 4)
    with opened(browser, url, **PHONE) as page:
        for section in SECTIONS:
            page.goto(f"{url}/#{section}")
            page.wait_for_load_state("networkidle")
            assert sideways(page) == 0, section
        page.goto(f"{url}/#article")
        answered(page, "phone", title="Превысокомногорассмотрительствующий" * 3 + " " + (ARTICLE.title or ""))
        assert sideways(page) == 0
        page.locator("#head-tags .label", has_text=TAG_LABEL).locator("label").tap()
        page.locator("text=Сохранить проверенное").tap()
        expect(page.locator("#status")).to_contain_text("Сохранено")
        assert sideways(page) == 0
        small = page.locator("#answer button, #answer .check").evaluate_all(
            "all => all.filter(one => one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"
        )
        assert small == []  # WCAG 2.2, target size


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_keys_without_ctrl_can_be_turned_off(browser: Browser, url: str) -> None:
    with opened(browser, url) as page:
        page.click("#help summary")
        page.uncheck("#letters")
        answered(page, "no-letters")
        before = page.locator("input[name=rubric]:checked").get_attribute("id")
        page.keyboard.press("2")
        assert page.locator("input[name=rubric]:checked").get_attribute("id") == before
        page.reload()
        expect(page.locator("#letters")).not_to_be_checked()
