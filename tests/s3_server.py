"""A real S3 API on loopback: moto's server, a process, which knows one user and refuses all others."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from joblib.externals.loky import get_reusable_executor

from service.jobs.s3 import client

POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


@dataclass
class Bucket:
    name: str
    client: Any
    environment: Mapping[str, str]

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, content: bytes, **headers: Any) -> str:
        self.client.put_object(Bucket=self.name, Key=key, Body=content, **headers)
        return self.url(key)

    def get(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def contents(self) -> list[str]:
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())]


@contextmanager
def s3_server(folder: Path) -> Iterator[Mapping[str, str]]:
    """The variables with which it is spoken to. Its log has every request in it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "s3.log").open("wb") as told:
        # the three calls that make the user
        environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "3"}
        process = subprocess.Popen(command, env=environment, stdout=told, stderr=told)
    try:
        _wait_for(url, process)
        iam = boto3.client(
            "iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="nobody", aws_secret_access_key="none"
        )
        iam.create_user(UserName="newsroom")
        iam.put_user_policy(UserName="newsroom", PolicyName="s3", PolicyDocument=POLICY)
        key = iam.create_access_key(UserName="newsroom")["AccessKey"]
        iam.close()
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    while True:
        try:
            with urlopen(f"{url}/moto-api/"):
                return
        except OSError:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(scope="session")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with s3_server(tmp_path_factory.mktemp("s3")) as environment:
        yield environment


@pytest.fixture
def bucket(
    variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Bucket]:
    """An empty one; this process and its children are those that may use it."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client.cache_clear()
    get_reusable_executor().shutdown(wait=True)  # workers of an earlier test have its environment
    name = f"archive-{abs(hash(request.node.nodeid)):x}"
    client().create_bucket(Bucket=name)
    yield Bucket(name, client(), variables)
    client().close()
    client.cache_clear()
    get_reusable_executor().shutdown(wait=True)
