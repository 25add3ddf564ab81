"""What CI relies on: a test that is skipped there has failed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = {
    "test_in_the_body.py": "import pytest\ndef test_it():\n    pytest.skip('no data')\n",
    "test_by_a_mark.py": "import pytest\n@pytest.mark.skip(reason='no data')\ndef test_it(): ...\n",
    "test_as_a_module.py": "import pytest\npytest.skip('no data', allow_module_level=True)\n",
    "test_known.py": "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it():\n    assert 1 == 2\n",
}


def closing_line(folder: Path, *, ci: bool) -> str:
    """What pytest, in a process and a folder of its own under this project's conftest, says last."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    for name, source in SOURCES.items():
        (folder / name).write_text(source, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST_")}
    env["PYTHONPATH"] = str(Path(__file__).parents[1])  # where the conftest finds its plugins
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    command += ["--continue-on-collection-errors", "--quiet", str(folder)]
    result = subprocess.run(
        command, cwd=folder, env=env | ({"CI": "true"} if ci else {}), text=True, capture_output=True, check=False
    )
    return result.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_skipped_test_fails_in_ci_and_an_expected_failure_does_not(tmp_path: Path) -> None:
    assert "1 failed, 1 xfailed, 2 errors" in closing_line(tmp_path, ci=True)


@pytest.mark.slow
def test_a_skipped_test_is_only_skipped_elsewhere(tmp_path: Path) -> None:
    assert "3 skipped, 1 xfailed" in closing_line(tmp_path, ci=False)
