"""Our service on the private PostgreSQL, and the few requests that an import takes."""

import http.client
import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from database import Server, cpu_of
from measure import Failed

PERSON = {"email": "bench@example.com", "password": "correct horse battery"}
# How often an import is looked at: what is measured is that much too long at most.
LOOK = 0.05


class Service:
    """`leakage serve` with its worker, in an empty database, until the block ends."""

    def __init__(self, binary: Path, server: Server, folder: Path) -> None:
        self.binary, self.server = str(binary.resolve()), server
        self.files = tempfile.TemporaryDirectory(dir=folder, prefix="service-")
        self.token = ""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        unset = ("LEAKAGE_", "DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(unset)},
            "DATABASE_URL": server.url("leakage_app"),
            "MIGRATE_DATABASE_URL": server.url("leakage_owner"),
            "LEAKAGE_BIND": f"127.0.0.1:{self.port}",
            "LEAKAGE_OBJECTS__FOLDER": f"{self.files.name}/objects",
            "LEAKAGE_TOKENS__KEY_FILE": f"{self.files.name}/keys.pem",
            "LEAKAGE_SECRETS__KEY_FILE": f"{self.files.name}/secret-keys.txt",
            "LEAKAGE_LIMITS__UPLOAD_BYTES": str(512 << 20),
            "LEAKAGE_LIMITS__KEY_PER_MINUTE": "1000000",
            "LEAKAGE_LIMITS__ORGANIZATION_PER_MINUTE": "1000000",
            "LEAKAGE_TELEMETRY__FILTER": "warn",
        }

    def __enter__(self) -> Self:
        subprocess.run([self.binary, "migrate"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [self.binary, "serve"], env=self.environment, cwd=self.files.name, stdout=subprocess.DEVNULL
        )
        try:
            self.sign_up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def sign_up(self) -> None:
        """Waits until the service can work, and makes an organization."""
        until = time.monotonic() + 60
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > until:
                raise Failed("the service did not start")
            time.sleep(0.1)
        answer = self.ask("POST", "/v1/organizations", {"organization_name": "Bench", "name": "Bench", **PERSON})
        self.token = answer["session"]["tokens"]["access_token"]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait()
        self.files.cleanup()

    def ready(self) -> bool:
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def request(
        self, method: str, path: str, body: dict[str, Any] | None = None, more: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {"Content-Type": "application/json"} if body else {}
        headers.update(more or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, path, json.dumps(body) if body else None, headers)
        with connection.getresponse() as response:
            status, text = response.status, response.read()
        connection.close()
        return status, text

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, more: dict[str, str] | None = None
    ) -> dict[str, Any]:
        status, text = self.request(method, path, body, more)
        if status == 401 and self.token:
            # A token is good for ten minutes.
            self.token = ""
            self.token = self.ask("POST", "/v1/sessions", PERSON)["tokens"]["access_token"]
            return self.ask(method, path, body, more)
        if status >= 300:
            raise Failed(f"{method} {path}: {status} {text.decode()[:2000]}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def upload(self, file: Path) -> dict[str, Any]:
        """Sends a file as multipart/form-data, a piece at a time; answers the import, which is being read."""
        mark = "leakage-bench-boundary"
        before = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
            "Content-Type: text/csv\r\n\r\n"
        ).encode()
        after = f"\r\n--{mark}--\r\n".encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.putrequest("POST", "/v1/imports")
        connection.putheader("Authorization", f"Bearer {self.token}")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={mark}")
        connection.putheader("Content-Length", str(len(before) + file.stat().st_size + len(after)))
        connection.endheaders(before)
        with file.open("rb") as source:
            while piece := source.read(1 << 20):
                connection.send(piece)
        connection.send(after)
        with connection.getresponse() as response:
            status, text = response.status, response.read()
        connection.close()
        if status not in (201, 202):
            raise Failed(f"the upload: {status} {text.decode()[:2000]}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def completed(self, started: dict[str, Any]) -> dict[str, Any]:
        """Waits until the import is read."""
        while started["status"] == "processing":
            time.sleep(LOOK)
            started = self.ask("GET", f"/v1/imports/{started['id']}")
        if started["status"] != "completed":
            raise Failed(f"the import is {started['status']}: {json.dumps(started)[:2000]}")
        return started

    def cpu(self) -> float:
        return cpu_of(self.process.pid)

    def peak_mb(self) -> float:
        """The most memory that the process has had, in megabytes; not a number where there is no /proc."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        except FileNotFoundError:
            return float("nan")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
