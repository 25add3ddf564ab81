"""Jobs over HTTP on paths: folders that hold more than an archive, links, odd names, damaged jobs."""

from pathlib import Path

import pytest

from tests.test_jobs import ALL, archive, ended, send, service


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(archive(2))
    return path


@pytest.mark.parametrize("output", ["home/store.db-journal", "home/store.db", "home/jobs/x.jsonl", "."])
def test_what_the_service_keeps_is_no_archive_though_its_folder_lies_in_one_that_is_allowed(
    tmp_path: Path, output: str
) -> None:
    folder(tmp_path, "in.jsonl")
    (tmp_path / "home").mkdir()
    with service(tmp_path / "home", jobs_folders=(tmp_path,)) as client:
        sent = {**ALL, "input": str(tmp_path / "in.jsonl"), "output": str(tmp_path / output)}
        assert client.post("/jobs", json=sent).status_code == 403
        assert client.post("/jobs", json={**sent, "input": str(tmp_path)}).status_code == 403
        assert client.post("/jobs", json={**sent, "output": str(tmp_path / "out.jsonl")}).status_code == 201


def test_a_folder_in_the_services_own_may_be_allowed_by_its_name(tmp_path: Path) -> None:
    archives = folder(tmp_path / "archives", "in.jsonl")
    with service(tmp_path, jobs_folders=(archives,)) as client:
        sent = {**ALL, "input": str(archives / "in.jsonl"), "output": str(archives / "out.jsonl")}
        assert client.post("/jobs", json=sent).status_code == 201


def test_links_in_a_folder_lead_to_nothing_else_that_is_read_or_written(tmp_path: Path) -> None:
    secret = folder(tmp_path / "secret", "a.jsonl")
    allowed = folder(tmp_path / "archive", "read/a.jsonl", "write/sub/b.jsonl", "out/c.jsonl")
    (allowed / "read" / "link.jsonl").symlink_to(secret / "a.jsonl")
    (allowed / "out" / "sub").symlink_to(secret)
    with service(tmp_path / "home", jobs_folders=(allowed,)) as client:
        for name in ("read", "write"):
            sent = {**ALL, "input": str(allowed / name), "output": str(allowed / "out")}
            refused = client.post("/jobs", json=sent)
            assert (refused.status_code, "a link" in refused.text) == (403, True)


@pytest.mark.parametrize("name", ["результаты.jsonl", 'a\r\nX-Evil: "1.jsonl'])
def test_results_come_under_whatever_name_they_have(tmp_path: Path, name: str) -> None:
    allowed = folder(tmp_path / "archive", "in.jsonl")
    with service(tmp_path / "home", jobs_folders=(allowed,)) as client:
        sent = {**ALL, "input": str(allowed / "in.jsonl"), "output": str(allowed / name)}
        id_ = client.post("/jobs", json=sent).json()["id"]
        assert ended(client, id_)["status"] == "done"
        results = client.get(f"/jobs/{id_}/results")
        assert (results.status_code, len(results.text.splitlines())) == (200, 2)
        assert "x-evil" not in results.headers


def test_a_damaged_job_hides_no_other(tmp_path: Path) -> None:
    with service(tmp_path) as client:
        first, second = (send(client, archive(2)).json()["id"] for _ in range(2))
        ended(client, second)
        (tmp_path / "jobs" / first / "plan.json").write_text("{")
        assert [one["id"] for one in client.get("/jobs").json()] == [second]
