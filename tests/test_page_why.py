"""«Почему не…?» on the editors' page: every reason that keeps a label away, in a real browser over the baseline."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import PHONE, browser, opened
from tests.process import Process, process
from tests.test_page_browser import TAG, TAG_LABEL, answered, faultless, sideways

__all__ = ["browser"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, httpx.Client]]:
    """Its vocabulary has been changed: «Госсовет» was added, «хоккей» merged, «грипп» retired."""
    with process(tmp_path_factory.mktemp("home")) as (running, client):
        for path, sent in (
            ("", {"label": "Госсовет", "synonyms": ["Высший госсовет"]}),
            ("", {"label": "Дирижабль", "synonyms": ["воздушный корабль"]}),
            ("/hokkey/merge", {"into": "futbol"}),
            ("/gripp/retire", None),
        ):
            changed = client.post(f"/vocabulary/tags{path}", json=sent, headers={"If-Match": "*"})
            assert changed.status_code in {200, 201}, changed.text
        yield running, client


def ask(page: Page, label: str) -> None:
    page.fill("#why", label)
    expect(page.locator("#why-list")).to_be_visible()
    page.press("#why", "Enter")


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("Госсовет", "Этот тег предложен"),
        ("Дирижабль", "искали «Дирижабль», «воздушный корабль»"),
        ("хоккей", "вместо него отвечают «футбол»"),
        ("грипп", "Тег убран из словаря"),
        ("терроризм", "только после просмотра"),
        ("Спорт", "Вероятнее оказалась «Политика»"),
        ("Абвгд", "нет ни у модели, ни в словаре"),
    ],
)
def test_what_keeps_a_label_away_is_said(
    browser: Browser, service: tuple[Process, httpx.Client], label: str, reason: str
) -> None:
    with opened(browser, service[0].url) as page:
        answered(page, "why")
        ask(page, label)
        expect(page.locator("#why-answer")).to_contain_text(reason)
        faultless(page, label)


def test_the_name_of_an_added_tag_is_marked_in_the_text(
    browser: Browser, service: tuple[Process, httpx.Client]
) -> None:
    with opened(browser, service[0].url) as page:
        answered(page, "added")
        page.get_by_role("button", name="Слова: тег «Госсовет»").click()
        expect(page.locator("#legend")).to_contain_text("госсовета")
        assert page.locator("#reading mark").all_inner_texts()
        ask(page, "Госсовет")
        expect(page.locator("#why-answer h4")).to_contain_text("нужно не меньше")


def test_a_rejected_tag_says_that_an_editor_rejected_it_and_nothing_else(
    browser: Browser, service: tuple[Process, httpx.Client]
) -> None:
    url, client = service[0].url, service[1]
    with opened(browser, url) as page:
        answered(page, "rejected")
        page.locator("#head-tags .label", has_text=TAG_LABEL).locator("input").uncheck()
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Сохранено")
        ask(page, TAG_LABEL)
        expect(page.locator("#why-answer")).to_contain_text("Редактор отклонил эту метку")
        expect(page.locator("#why-answer")).not_to_contain_text("пять других")
    assert client.get("/corrections?article_id=rejected").json()["corrections"][0]["rejected"]["tags"][0]["id"] == TAG


def test_a_retired_tag_is_brought_back_from_there_on_a_phone(
    browser: Browser, service: tuple[Process, httpx.Client]
) -> None:
    with opened(browser, service[0].url, **PHONE) as page:
        answered(page, "back")
        ask(page, "грипп")
        page.locator("#why-answer a", has_text="Вернуть").tap()
        expect(page.locator("#heading-term")).to_have_text("Тег «грипп»")
        assert sideways(page) == 0
        page.tap("#term-back")
        expect(page.locator("#status")).to_contain_text("снова в употреблении")


def test_a_label_that_is_nowhere_becomes_a_tag_with_two_clicks(
    browser: Browser, service: tuple[Process, httpx.Client]
) -> None:
    with opened(browser, service[0].url) as page:
        answered(page, "new")
        ask(page, "Межзвёздный трамвай")
        page.click("#why-answer a")
        expect(page.locator("#term-label")).to_have_value("Межзвёздный трамвай")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Тег «Межзвёздный трамвай» заведён")
