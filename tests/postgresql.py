"""A PostgreSQL server of our own: on a socket in a temporary directory and on loopback, gone after the tests.

initdb refuses root, so root lends it the user that Debian's package has made.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import connect

USER = "postgres"


def programs() -> Path | None:
    """The newest PostgreSQL that is installed here; Debian keeps it out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found:
        return found[-1]
    return Path(where).resolve().parent if (where := shutil.which("initdb")) else None


@contextmanager
def postgresql(bin_: Path) -> Iterator["Server"]:
    directory = Path(tempfile.mkdtemp(prefix="rubricator-pg-"))
    if os.geteuid() == 0:
        shutil.chown(directory, USER)
    server = Server(bin_, directory, _free_port())
    try:
        options = ["-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync"]
        server.run("initdb", "-D", str(server.data), *options)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


class Server:
    def __init__(self, bin_: Path, directory: Path, port: int) -> None:
        self.data = directory / "data"
        self._bin, self._directory, self._port = bin_, directory, port
        self._made = 0

    def start(self) -> None:
        # fsync=off: our service is killed, not the machine, and a checkpoint of 900 files would take 20 s
        set_ = {"fsync": "off", "listen_addresses": "127.0.0.1", "port": self._port}
        options = [f"-c {name}={value}" for name, value in {**set_, "unix_socket_directories": self._directory}.items()]
        self.run(
            "pg_ctl", "-D", str(self.data), "-o", " ".join(options), "-l", str(self._directory / "log"), "-w", "start"
        )

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def new_schema(self) -> str:
        """Its URL; empty. A database of its own would be 300 files."""
        self._made += 1
        with connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA newsroom{self._made}")
        return f"{self.url('postgres')}?options=-csearch_path%3Dnewsroom{self._made}"

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        as_user = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam(USER)
            as_user = {"user": entry.pw_uid, "group": entry.pw_gid}
        subprocess.run(
            [self._bin / program, *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **as_user,  # type: ignore[call-overload]
        )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
