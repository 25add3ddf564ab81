"""Debian's Chromium over a real service: the page for a keyboard, a phone and a screen reader.

Whatever the page writes to the console as an error, and whatever it asks of another host, fails the test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
MOST_TABS = 80


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM} here: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@contextmanager
def opened(
    browser: Browser, url: str, address: str = "/", *, errors: tuple[str, ...] = (), **context: Any
) -> Iterator[Page]:
    """The page at an address of the service. `errors`: parts of console messages that are meant to come."""
    told: list[str] = []
    asked: list[str] = []
    with browser.new_context(locale="ru-RU", **(context or DESK)) as tab:
        page = tab.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("dialog", lambda dialog: told.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url + address)
        yield page
    assert [one for one in told if not any(part in one for part in errors)] == []
    assert {urlsplit(one).netloc for one in asked} == {urlsplit(url).netloc}


def tab_to(page: Page, selector: str) -> None:
    """By the Tab key alone, as one who has no mouse gets there."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} can't be reached with the Tab key")


def paste(page: Page, selector: str, text: str) -> None:
    tab_to(page, selector)
    page.keyboard.insert_text(text)
