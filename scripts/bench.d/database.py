"""The private PostgreSQL that `scripts/bench` started, and what it costs in CPU."""

import os
import subprocess
import time
from pathlib import Path

from measure import Failed, Run, run

# What the rows belong to, in the peer's tables.
ORGANIZATION = "01931f3e-7d5c-7b60-9f10-000000000001"


ROLE = """do $$ begin
  create role {name} login nosuperuser nobypassrls nocreatedb nocreaterole;
exception when duplicate_object then null;
end $$"""


class Server:
    """Where the server is, and a database in it that is new for each run."""

    def __init__(self, bin_folder: Path, socket: Path, postmaster: int) -> None:
        self.psql, self.socket, self.postmaster = bin_folder / "psql", socket, postmaster
        # Another benchmark may have made them.
        self.execute(*(ROLE.format(name=name) for name in ("leakage_owner", "leakage_app")))

    def url(self, role: str) -> str:
        return f"postgres://{role}@localhost:5432/bench?host={self.socket}"

    def command(self, role: str, database: str, statements: tuple[str, ...]) -> list[str]:
        place = ["--host", str(self.socket), "--port", "5432", "--username", role, "--dbname", database]
        given = [part for statement in statements for part in ("--command", statement)]
        return [str(self.psql), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", *place, *STOP, *given]

    def execute(self, *statements: str, role: str = "postgres", database: str = "postgres") -> str:
        """Runs statements that are not measured."""
        command = self.command(role, database, statements)
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def new_database(self) -> None:
        """An empty one, and nothing left to write from before: each run begins the same."""
        self.execute(
            "drop database if exists bench with (force)",
            "create database bench owner leakage_owner template template0 encoding 'UTF8' lc_collate 'C'",
            "checkpoint",
        )

    def measured(self, *statements: str, role: str) -> Run:
        """Runs statements in one transaction, and counts the CPU of psql and of the server."""
        command = [*self.command(role, "bench", statements), "--single-transaction"]
        before = self.cpu()
        result = run(command, environment())
        # Until the server has counted the process that worked for us.
        time.sleep(0.3)
        result.cpu += self.cpu() - before
        return result

    def cpu(self) -> float:
        """CPU seconds of the server so far: itself, its processes that ended, and those that run."""
        own = cpu_of(self.postmaster, ended_children=True)
        try:
            with open(f"/proc/{self.postmaster}/task/{self.postmaster}/children", encoding="ascii") as file:
                children = [int(pid) for pid in file.read().split()]
        except OSError:
            return float("nan")
        return own + sum(cpu_of(pid) for pid in children)


STOP = ["--set", "ON_ERROR_STOP=1"]


def environment() -> dict[str, str]:
    """Dates are month/day/year; the organization is set for row-level security."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "PGOPTIONS": f"-c datestyle=ISO,MDY -c app.org_id={ORGANIZATION} -c client_min_messages=warning",
        "PGCLIENTENCODING": "UTF8",
    }


def cpu_of(pid: int, *, ended_children: bool = False) -> float:
    """CPU seconds of a process; not a number where there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0.0 if Path("/proc/self/stat").exists() else float("nan")
    # After the name, which may hold anything: the fields from the third on.
    fields = stat.rpartition(")")[2].split()
    ticks = sum(int(field) for field in fields[11 : 15 if ended_children else 13])
    return ticks / os.sysconf("SC_CLK_TCK")
