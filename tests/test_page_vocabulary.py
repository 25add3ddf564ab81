"""«Словарь» on the editors' page: tags added, changed, merged and retired by keys and clicks, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import DESK, PHONE, browser, opened, tab_to
from tests.serving import Served, serving
from tests.test_audits import until
from tests.test_page_browser import FAILED_TO_LOAD, faultless, sideways

__all__ = ["browser"]

pytestmark = pytest.mark.slow

TAG, OTHER = "Тег baseline", "Другой тег"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, ()) as served:
        yield served


def url_of(served: Served) -> str:
    return served.url.rstrip("/")


def term(served: Served, id_: str) -> dict[str, Any]:
    tags: list[dict[str, Any]] = served.client.get("/vocabulary").json()["tags"]
    return next(tag for tag in tags if tag["id"] == id_)


def renamed_by_another(served: Served, id_: str, **change: Any) -> None:
    answer = served.client.patch(f"/vocabulary/tags/{id_}", json=change, headers={"If-Match": "*"})
    assert answer.status_code == 200


def edit(page: Page, label: str) -> None:
    page.get_by_role("button", name=f"Изменить тег «{label}»").click()
    expect(page.locator("#heading-term")).to_be_focused()


def test_a_tag_is_added_by_keyboard_alone_and_found_in_the_next_article(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#vocabulary") as page:
        expect(page.locator("#terms-about")).to_have_text("Тегов: 2.")
        page.keyboard.press("n")
        expect(page.locator("#term-label")).to_be_focused()
        page.keyboard.insert_text("Красный трамвай")
        page.keyboard.press("Tab")
        page.keyboard.insert_text("трамвайчик\n  канатка ")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("«Красный трамвай» заведён")
        expect(page.locator(":focus")).to_have_text("Красный трамвай")
        expect(page.locator("#terms-list")).to_contain_text("также: трамвайчик, канатка")
    answer = served.client.post("/annotate", json={"id": "1", "title": "Канатку открыли"}).json()
    assert "krasnyy-tramvay" in {tag["id"] for tag in answer["tags"]}


def test_the_list_is_searched_by_all_names_and_gone_through_by_keys(browser: Browser, served: Served) -> None:
    renamed_by_another(served, "u", synonyms=["Ёлочный базар"])
    with opened(browser, url_of(served), "/#vocabulary") as page:
        expect(page.locator("#terms-list button")).to_have_count(2)
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.locator(":focus")).to_have_text(TAG)
        page.keyboard.press("k")
        expect(page.locator(":focus")).to_have_text(OTHER)
        page.keyboard.press("f")
        page.keyboard.type("елочный")
        expect(page.locator("#terms-list button")).to_have_text([OTHER])
        expect(page.locator("#terms-about")).to_have_text("Нашлось: 1 из 2.")


def test_only_what_was_changed_is_sent(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#vocabulary") as page:
        edit(page, TAG)
        page.select_option("#term-policy", "review_only")
        with page.expect_request("**/vocabulary/tags/t") as sent:
            page.get_by_role("button", name="Сохранить", exact=False).click()
        assert sent.value.post_data_json == {"policy": "review_only"}
        expect(page.locator("#status")).to_contain_text(f"Тег «{TAG}» изменён")
        expect(page.locator("#terms-list")).to_contain_text("только после просмотра")
    assert term(served, "t")["policy"] == "review_only"


def test_a_change_by_another_editor_is_told_and_nothing_typed_is_lost(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#vocabulary", errors=(FAILED_TO_LOAD,)) as page:
        edit(page, TAG)
        page.fill("#term-synonyms", "мостик")
        renamed_by_another(served, "t", label="Мосты")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#alert")).to_contain_text("Кто-то изменил этот тег раньше вас")
        expect(page.locator("#alert")).to_contain_text("«Мосты»")
        expect(page.locator("#term-synonyms")).to_have_value("мостик")
        expect(page.locator("#term-label")).to_have_value("Мосты")  # not touched here: the other's holds
        renamed_by_another(served, "u", policy="review_only")
        page.locator("#term-synonyms").press("Control+Enter")
        expect(page.locator("#alert")).to_contain_text("изменил словарь раньше вас, но не этот тег")
        expect(page.locator("#term-synonyms")).to_have_value("мостик")
        page.locator("#term-synonyms").press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Тег «Мосты» изменён")
    assert (term(served, "t")["label"], term(served, "t")["synonyms"]) == ("Мосты", ["мостик"])


def test_a_name_that_is_taken_is_told_at_its_field(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#vocabulary", errors=(FAILED_TO_LOAD,)) as page:
        page.fill("#term-search", "Другой тег")
        page.click("#term-new")
        expect(page.locator("#term-label")).to_have_value("Другой тег")
        page.keyboard.press("Enter")
        expect(page.locator("#alert")).to_contain_text("уже называет тег")
        expect(page.locator("#term-label")).to_be_focused()
        expect(page.locator("#term-label")).to_have_attribute("aria-invalid", "true")


def test_a_tag_is_merged_retired_and_brought_back_each_after_a_question(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#vocabulary") as page:
        edit(page, TAG)
        tab_to(page, "#term-into")
        page.keyboard.type("друг")
        expect(page.locator("#term-into-list")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#term-question")).to_contain_text(f"Слить «{TAG}» с «{OTHER}»?")
        expect(page.locator("#term-yes")).to_be_focused()
        faultless(page, "question")
        page.keyboard.press("Escape")
        expect(page.locator("#term-question")).to_have_count(0)
        assert term(served, "t")["status"] == "active"
        page.fill("#term-into", "друг")
        page.click("#term-into-list li")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text(f"«{TAG}» слит с «{OTHER}»")
        assert term(served, "t")["merged_into"] == "u"

        edit(page, OTHER)
        page.click("#term-retire")
        page.click("#term-yes")
        expect(page.locator("#status")).to_contain_text(f"Тег «{OTHER}» убран")
        assert term(served, "u")["status"] == "retired"
        page.check("#term-status input[value=gone]")
        expect(page.locator("#terms-list")).to_contain_text(f"слит с «{OTHER}»")
        expect(page.locator("#terms-list")).to_contain_text("убран: больше не предлагается")
        edit(page, OTHER)
        page.click("#term-back")
        expect(page.locator("#status")).to_contain_text("снова в употреблении")
        assert term(served, "u")["status"] == "active"


def test_a_form_with_something_typed_is_not_left_by_chance(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#vocabulary") as page:
        edit(page, TAG)
        page.keyboard.press("Escape")
        expect(page.locator(":focus")).to_have_text(TAG)
        edit(page, TAG)
        page.fill("#term-label", "Мосты")
        page.press("#term-label", "Escape")
        expect(page.locator("#alert")).to_contain_text("несохранённое")
        page.get_by_role("button", name=f"Изменить тег «{OTHER}»").click()
        expect(page.locator("#alert")).to_contain_text("В открытой форме есть несохранённое")
        page.click("nav a[href='#review']")
        page.click("nav a[href='#vocabulary']")
        expect(page.locator("#term-label")).to_have_value("Мосты")
        page.click("#term-close")
        expect(page.locator("#term form")).to_have_count(0)
    assert term(served, "t")["label"] == TAG


def test_an_address_leads_to_a_tag(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), f"/#vocabulary={OTHER}") as page:
        expect(page.locator("#heading-term")).to_have_text(f"Тег «{OTHER}»")
        expect(page.locator("#term-search")).to_have_value(OTHER)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_stumble_over(browser: Browser, served: Served, scheme: Any) -> None:
    renamed_by_another(served, "t", synonyms=["мостик"], policy="never_suggest")
    with opened(browser, url_of(served), "/#vocabulary", color_scheme=scheme, **DESK) as page:
        expect(page.locator("#terms-list button")).to_have_count(2)
        faultless(page, "list")
        edit(page, TAG)
        faultless(page, "form")


def test_on_a_phone_a_tag_is_changed_with_a_thumb(browser: Browser, served: Served) -> None:
    renamed_by_another(served, "u", label="Превысокомногорассмотрительствующий" * 3, synonyms=["а" * 150])
    with opened(browser, url_of(served), "/#vocabulary", **PHONE) as page:
        expect(page.locator("#terms-list button")).to_have_count(2)
        assert sideways(page) == 0
        page.get_by_role("button", name=f"Изменить тег «{TAG}»").tap()
        expect(page.locator("#terms")).to_be_hidden()
        assert sideways(page) == 0
        page.fill("#term-label", "Мосты")
        page.get_by_role("button", name="Сохранить").tap()
        expect(page.locator("#status")).to_contain_text("Тег «Мосты» изменён")
        expect(page.locator("#terms")).to_be_visible()
        small = page.locator("#terms button, #term button").evaluate_all(
            "all => all.filter(one => one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"
        )
        assert small == []


def written(served: Served, name: str, prefix: str) -> None:
    for i in range(5):
        text = f"Статья {i}. Сегодня пришёл {name} и сказал."
        assert served.client.post("/annotate", json={"id": f"{prefix}{i}", "text": text}).status_code == 200


def proposed(served: Served) -> list[str]:
    return [one["label"] for one in served.client.get("/vocabulary/candidates").json()["candidates"]]


def names_of(served: Served, *names: str) -> None:
    for i, name in enumerate(names):
        written(served, name, f"a{i}-")
    until(lambda: set(served_names(served)) >= set(names))


def served_names(served: Served) -> list[str]:
    """A change of the vocabulary makes the list anew, which is kept for a minute."""
    served.client.patch("/vocabulary/tags/u", json={"synonyms": [uuid4().hex]}, headers={"If-Match": "*"})
    return proposed(served)


def test_a_name_without_a_tag_becomes_one_or_is_never_proposed_again_by_keyboard(
    browser: Browser, served: Served
) -> None:
    names_of(served, "Зюзюкин", "Петькин")
    with opened(browser, url_of(served), "/#vocabulary") as page:
        expect(page.locator("#candidates-many")).to_have_text(" (2)")
        page.check("#term-status input[value=candidates]")
        expect(page.locator("#terms-list .candidate")).to_have_count(2)
        expect(page.locator("#terms-list")).to_contain_text("статей за 7 дн.: 5")
        expect(page.locator("#terms-list a").first).to_have_attribute("href", re.compile("^#prediction="))
        faultless(page, "names without a tag")
        page.keyboard.press("j")
        expect(page.locator(":focus")).to_have_text("Зюзюкин")
        page.keyboard.press("x")
        expect(page.locator("#status")).to_contain_text("«Зюзюкин» больше не предложим")
        expect(page.locator(":focus")).to_have_text("Петькин")
        page.keyboard.press("Enter")
        expect(page.locator("#term-label")).to_have_value("Петькин")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#status")).to_contain_text("Тег «Петькин» заведён")
        expect(page.locator("#terms-list .candidate")).to_have_count(0)
        expect(page.locator("#terms-about")).to_contain_text("Новых имён нет")
    tags = {tag["label"]: tag["policy"] for tag in served.client.get("/vocabulary").json()["tags"]}
    assert (tags["Зюзюкин"], tags["Петькин"]) == ("never_suggest", "normal")
    assert proposed(served) == []


def test_a_name_is_declined_on_a_phone_after_another_changed_the_vocabulary(browser: Browser, served: Served) -> None:
    names_of(served, "Зюзюкин")
    with opened(browser, url_of(served), "/#vocabulary", errors=(FAILED_TO_LOAD,), **PHONE) as page:
        page.check("#term-status input[value=candidates]")
        expect(page.locator("#terms-list .candidate")).to_have_count(1)
        assert sideways(page) == 0
        renamed_by_another(served, "t", label="Мосты")
        page.get_by_role("button", name="Не предлагать «Зюзюкин»").tap()
        expect(page.locator("#alert")).to_contain_text("Кто-то изменил словарь раньше вас")
        page.get_by_role("button", name="Не предлагать «Зюзюкин»").tap()
        expect(page.locator("#status")).to_contain_text("«Зюзюкин» больше не предложим")
