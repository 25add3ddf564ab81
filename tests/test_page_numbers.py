"""«Числа» over days and weeks on the editors' page: charts that are also said and also tables, in a real browser."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from service.store import days
from service.store.database import database_of
from service.store.days import Of
from service.store.schema import opened as opened_store
from tests.browser import DESK, PHONE, browser, opened
from tests.serving import Served, serving
from tests.test_audits import until
from tests.test_page_browser import faultless, sideways

__all__ = ["browser"]

pytestmark = pytest.mark.slow

BACK = 70  # days


def day(back: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=back)).isoformat()


def figures() -> dict[Of, int]:
    counts: dict[Of, int] = {}
    for back in range(1, BACK):
        if back == 3:
            continue  # a day on which nothing was answered
        version = "new" if back < 10 else "old"
        told = {"articles": 200, "abstained": 10, "words": 10_000, "unknown": 300 + back, "auto": 50}
        counts |= {Of(day(back), version, what, ""): count for what, count in told.items()}
        counts[Of(day(back), version, "abstained", "not_russian")] = 10
        counts |= {Of(day(back), version, "rubric", f"Рубрика {n}"): 60 + n * back for n in range(3)}
    return counts


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, ()) as served:
        served.client.post("/annotate", json={"id": "1", "text": "Мост открыли"})
        until(lambda: served.client.get("/numbers/days").json()["days"])
        connection = opened_store(database_of("", tmp_path))
        with connection.writing():
            days.add(connection, figures())
        connection.close()
        yield served


def url_of(served: Served) -> str:
    return served.url.rstrip("/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn_said_and_told_as_tables(browser: Browser, served: Served, scheme: Any) -> None:
    with opened(browser, url_of(served), "/#numbers", color_scheme=scheme, **DESK) as page:
        charts = page.locator("#over-time figure")
        expect(charts).to_have_count(4)  # no audits yet
        assert charts.first.locator("rect").count() == 29  # of 30 days, one without answers
        unknown = page.locator("#over-time figure", has_text="Незнакомые слова")
        spoken = unknown.locator("svg").get_attribute("aria-label")
        assert spoken is not None and "Незнакомые слова: " in spoken and "от 3\xa0% до 50\xa0%" in spoken
        assert unknown.locator("polyline").count() == 2  # a gap parts the line
        abstained = page.locator("#over-time figure", has_text="Не взялся решать")
        expect(abstained).to_contain_text("текст не на русском – 280")
        assert charts.first.locator("line.change").count() == 2  # «new», and the baseline of today
        unknown.locator("summary").click()
        rows = unknown.locator("tbody tr")
        expect(rows).to_have_count(29)
        expect(rows.nth(1)).to_contain_text("3 %")
        expect(unknown.locator("tbody")).to_contain_text("new")
        expect(page.locator("#over-time table").last).to_contain_text("Рубрика 2")
        faultless(page, "charts")


def test_weeks_are_chosen_by_keyboard(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#numbers") as page:
        page.focus("#stretch [value=days]")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#stretch [value=weeks]")).to_be_focused()
        charts = page.locator("#over-time figure")
        expect(charts.first).to_contain_text("неделя с ")
        weeks = charts.first.locator("rect").count()
        assert BACK // 7 <= weeks <= BACK // 7 + 2
        charts.first.locator("summary").click()
        expect(charts.first.locator("tbody tr").nth(3)).to_contain_text("1 400")


def test_what_was_answered_is_compared_with_what_was_before_where_the_model_does_not_say(
    browser: Browser, served: Served
) -> None:
    with opened(browser, url_of(served), "/#numbers") as page:
        mix = page.locator("#over-time")
        expect(mix).to_contain_text("Рубрики: вторая половина и первая")
        expect(mix).to_contain_text("не помнит, сколько статей")
        row = mix.locator("tr", has_text="Рубрика 2")
        expect(row).to_contain_text("−")  # it has become rarer
        expect(mix).to_contain_text("Всего доли расходятся на")


def test_charts_fit_a_phone(browser: Browser, served: Served) -> None:
    with opened(browser, url_of(served), "/#numbers", **PHONE) as page:
        expect(page.locator("#over-time figure")).to_have_count(4)
        assert sideways(page) == 0
        box = page.locator("#over-time svg").first.bounding_box()
        assert box is not None and box["width"] >= 300
        page.locator("#stretch label", has_text="полгода").tap()
        expect(page.locator("#over-time figure").first).to_contain_text("неделя с ")
        assert sideways(page) == 0
        faultless(page, "charts on a phone")


def test_before_anything_was_answered_there_is_a_sentence(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, ()) as served, opened(browser, url_of(served), "/#numbers") as page:
        expect(page.locator("#over-time")).to_contain_text("ещё ничего не размечено")
