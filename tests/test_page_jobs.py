"""«Задания» on the editors' page: how far jobs are, confirmed by a click."""

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser import DESK, PHONE, browser, opened
from tests.process import process
from tests.test_jobs import archive, ended, send
from tests.test_page_browser import WCAG

__all__ = ["browser"]

pytestmark = pytest.mark.slow


def test_a_job_that_is_held_is_confirmed_and_fetched_by_clicks(browser: Browser, tmp_path: Path) -> None:
    with process(tmp_path / "home", jobs_workers="1") as (running, client):
        job = send(client, archive(20) + b"no json\n", max_change=0.01).json()
        assert ended(client, job["id"])["status"] == "held"
        with opened(browser, running.url, "/#jobs") as page:
            expect(page.locator("#jobs")).to_contain_text("ждёт подтверждения")
            for size in (DESK, PHONE):
                page.set_viewport_size(size["viewport"])
                assert json.loads(json.dumps(Axe().run(page, options=WCAG).response))["violations"] == []
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.get_by_role("button", name="Подтвердить и записать").click()
            expect(page.locator("#jobs")).to_contain_text("готово", timeout=60_000)
            with page.expect_download() as fetched:
                page.get_by_role("link", name="Скачать результат").click()
            assert len(Path(fetched.value.path()).read_bytes().splitlines()) == 20
            expect(page.get_by_role("link", name="Что не прочитано")).to_be_visible()
            page.screenshot(path=str(tmp_path / "jobs.png"))


def test_without_jobs_the_section_says_how_they_come(browser: Browser, tmp_path: Path) -> None:
    with process(tmp_path / "home") as (running, _), opened(browser, running.url, "/#jobs") as page:
        expect(page.locator("#jobs")).to_contain_text("POST /jobs")
