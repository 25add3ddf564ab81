"""Versions over HTTP: what can be seen, who may change the model, and that nobody notices when it changes."""

import socket
import threading
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import httpx
import pytest

from tests.serving import Served, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as served:
        yield served


def activate(served: Served, version: str, **headers: str) -> httpx.Response:
    return served.client.post(f"/models/{version}/activate", json={"reason": "it is better"}, headers=headers)


def test_the_versions_are_listed(served: Served) -> None:
    listed = served.client.get("/models").json()
    assert [each["version"] for each in listed] == ["baseline", *sorted(served.versions)]
    assert [each["active"] for each in listed] == [True, False, False]
    assert "path" not in listed[0]
    assert [each["newest_row"] for each in listed] == ["2023-10-31"] * 3
    assert listed[0]["added"] is None
    assert listed[1]["added"].endswith("+00:00")


def test_a_version_says_what_it_is(served: Served) -> None:
    card = served.client.get(f"/models/{served.versions[0]}").json()
    assert card["version"] == served.versions[0]
    assert card["active"] is False
    assert card["card"] == "# first\n"
    assert card["newest_row"] == "2023-10-31"
    assert served.client.get("/models/20200101-00000000").status_code == 404
    assert served.client.get("/models/..%2f..%2fetc").status_code == 404


def test_a_report_is_shown_where_there_is_one(served: Served) -> None:
    response = served.client.get("/models/baseline/report")
    assert response.text == "<p>baseline</p>"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in response.headers["content-security-policy"]
    assert served.client.get(f"/models/{served.versions[0]}/report").status_code == 404
    (served.registry.path(served.versions[0]) / "report.html").write_text("put there by chance", encoding="utf-8")
    assert served.client.get(f"/models/{served.versions[0]}/report").status_code == 404


def test_the_next_request_after_an_activation_gets_the_new_version(served: Served) -> None:
    [first, second] = served.versions
    assert activate(served, first).json()["previous"] == "baseline"
    assert served.client.post("/annotate", json={"title": "мост"}).headers["x-model-version"] == first
    activate(served, second)
    answer = served.client.post("/models/rollback", json={"reason": "it is not", "actor": "me"}).json()
    assert (answer["version"], answer["previous"], answer["actor"]) == (first, second, "me")
    assert served.client.post("/annotate", json={"title": "мост"}).json()["model"]["version"] == first
    journal = served.client.get("/activations").json()
    assert [(event["action"], event["version"]) for event in journal] == [
        ("activate", first),
        ("activate", second),
        ("rollback", first),
    ]
    assert journal[0]["reason"] == "it is better"


def test_an_activation_elsewhere_is_taken_over_within_a_second(served: Served) -> None:
    served.registry.activate(served.versions[0])
    deadline = time.monotonic() + 5
    while served.client.get("/health/ready").json()["model"] != served.versions[0]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_version_that_can_not_be_used_is_refused_and_the_old_one_answers(served: Served) -> None:
    (served.registry.path(served.versions[0]) / "card.md").write_text("another", encoding="utf-8")
    response = activate(served, served.versions[0])
    assert response.status_code == 409
    assert "card.md" in response.json()["detail"]
    assert served.client.get("/health/ready").json()["model"] == "baseline"


def test_what_spoils_after_its_activation_is_told_where_machines_ask(served: Served) -> None:
    (served.registry.path(served.versions[0]) / "card.md").unlink()
    pointer = served.registry.activate("baseline")
    path = served.registry.path(served.versions[0]).parent.parent / "active.json"
    path.write_text(path.read_text().replace(pointer.version, served.versions[0]), encoding="utf-8")
    deadline = time.monotonic() + 5
    while (ready := served.client.get("/health/ready").json())["problem"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert ready["model"] == "baseline"
    assert served.versions[0] in ready["problem"]
    assert served.client.post("/annotate", json={"title": "мост"}).status_code == 200
    assert "rubricator_model_swaps_failed_total 1.0" in served.client.get("/metrics").text


def test_an_unknown_version_is_not_activated(served: Served) -> None:
    assert activate(served, "20200101-00000000").status_code == 404
    assert served.client.post("/models/rollback").status_code == 409


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"X-Client-IP": "127.0.0.1"},
        {"CF-Connecting-IP": "127.0.0.1"},
        {"X-Original-Forwarded-For": "127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Host": "rubricator.example"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://[x"},
        {"Host": "[x"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_models_are_changed_from_this_machine_alone(served: Served, headers: dict[str, str]) -> None:
    for response in (
        activate(served, served.versions[0], **headers),
        served.client.post("/models/rollback", headers=headers),
    ):
        assert response.status_code == 403
        assert response.json()["type"].endswith("forbidden")
    assert served.client.get("/health/ready").json()["model"] == "baseline"


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.0\r\nHost: {0}",
        "HTTP/1.0",
        "HTTP/1.1\r\nHost: {0}\r\nHost: {0}",
        "HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nOrigin: http://{0}",
    ],
)
def test_a_bare_proxy_is_not_this_machine(served: Served, head: str) -> None:
    """nginx's proxy_pass with nothing else says HTTP/1.0 and our own address as Host."""
    lines = head.format(f"127.0.0.1:{served.address[1]}")
    with socket.create_connection(served.address, timeout=10) as connection:
        connection.sendall(f"POST /models/{served.versions[0]}/activate {lines}\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(100).split()[1] in {b"403", b"400"}
    assert served.client.get("/health/ready").json()["model"] == "baseline"


def test_a_name_of_this_machine_will_do(served: Served) -> None:
    assert activate(served, served.versions[0], Host="localhost:1", Origin="http://localhost:1").status_code == 200
    assert activate(served, served.versions[1], Host="[::1]:8000").status_code == 200


@pytest.mark.parametrize("body", [b"[]", b'{"reason":1}', b'{"reson":"x"}', b"x", b'{"reason":"' + b"x" * 2000 + b'"}'])
def test_a_bad_reason_is_refused(served: Served, body: bytes) -> None:
    assert served.client.post(f"/models/{served.versions[0]}/activate", content=body).status_code == 400
    form = served.client.post(f"/models/{served.versions[0]}/activate", data={"reason": "x"})
    assert form.status_code == 415
    assert served.client.get("/health/ready").json()["model"] == "baseline"


@pytest.mark.slow
def test_a_hundred_swaps_fail_no_request_and_mix_no_answer(served: Served) -> None:
    stop = threading.Event()
    wrong: list[str] = []
    seen: set[str] = set()

    def ask() -> None:
        with httpx.Client(base_url=served.url, timeout=20) as client:
            while not stop.is_set():
                articles = [{"id": str(number), "title": "мост"} for number in range(20)]
                response = client.post("/annotate/batch", json=articles)
                if response.status_code != 200:
                    wrong.append(response.text)
                    continue
                version = response.headers["x-model-version"]
                seen.add(version)
                for answer in response.json():
                    labels = {answer["rubric"]["label"].split()[-1], answer["tags"][0]["label"].split()[-1]}
                    if {answer["model"]["version"], *labels} != {version}:
                        wrong.append(f"{version}: {answer}")

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for _, version in zip(range(100), cycle(served.versions), strict=False):
            assert activate(served, version).status_code == 200
    finally:
        stop.set()
        for asker in askers:
            asker.join(20)
    assert wrong == []
    assert seen >= set(served.versions)
    assert "rubricator_model_swaps_total 100.0" in served.client.get("/metrics").text
