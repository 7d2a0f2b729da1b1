"""Benchmark `import`: a reconciliation file into PostgreSQL, durable; the service against `psql \\copy`.

Ours is an upload through HTTP, from its first byte until the import is completed: kept, read, checked, stored, in
tables with keys to clients and products. The peer is one table of the 46 columns with a primary key, constraints
and row-level security. PostgreSQL refuses COPY FROM to whom a policy applies, so there are two ways, and the
faster one is the peer: \\copy as the table's owner, to whom the policy does not apply unless forced; or \\copy into
a temporary table and an insert from there as the service's role, with the policy forced.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import data
from columns import COLUMNS, DAY, DECIMALS, TEXT
from database import Server
from measure import Run, alternate, report, warm
from service import Service

OURS, OWNER, STAGED = "leakage, through HTTP", "psql \\copy, as owner", "psql \\copy, then insert"
GOAL_MB = 300


def sql_type(kind: str) -> str:
    if kind == TEXT:
        return "text"
    return "date" if kind == DAY else f"numeric{DECIMALS[kind]}"


NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
TYPED = ", ".join(f'"{name}" {sql_type(kind)}' for name, kind in COLUMNS.items())

TABLE = f"""create table charges (
  org_id uuid not null default current_setting('app.org_id')::uuid,
  line bigint not null generated always as identity,
  {TYPED},
  primary key (org_id, line),
  check (length("CustomerId") = 36),
  check (length("Currency") = 3),
  check ("ChargeEndDate" >= "ChargeStartDate"),
  check ("BillableQuantity" is not null and "Subtotal" is not null)
)"""
PROTECTED = """alter table charges enable row level security;
create policy tenant on charges using (org_id = current_setting('app.org_id')::uuid)
  with check (org_id = current_setting('app.org_id')::uuid);
grant select, insert on charges to leakage_app;"""


def copy(table: str, columns: str, file: Path) -> str:
    # psql reads the name as it is, but for quotes.
    name = str(file).replace("'", "''")
    return f"\\copy {table} {columns} from '{name}' with (format csv, header match)"


def stored(server: Server, result: Run) -> Run:
    """The run, with the rows that are there after it."""
    result.found = int(server.execute("select count(*) from charges", database="bench"))
    return result


def as_owner(server: Server, file: Path) -> Run:
    server.new_database()
    server.execute(TABLE, PROTECTED, role="leakage_owner", database="bench")
    return stored(server, server.measured(copy("charges", f"({NAMES})", file), role="leakage_owner"))


def staged(server: Server, file: Path) -> Run:
    server.new_database()
    forced = "alter table charges force row level security"
    server.execute(TABLE, PROTECTED, forced, role="leakage_owner", database="bench")
    return stored(
        server,
        server.measured(
            f"create temporary table staging ({TYPED}) on commit drop",
            copy("staging", f"({NAMES})", file),
            f"insert into charges ({NAMES}) select {NAMES} from staging",
            role="leakage_app",
        ),
    )


def ours(server: Server, binary: Path, folder: Path, file: Path) -> Run:
    server.new_database()
    with Service(binary, server, folder) as service:
        cpu = service.cpu() + server.cpu()
        began = time.perf_counter()
        started = service.upload(file)
        sent = time.perf_counter()
        done = service.completed(started)
        wall = time.perf_counter() - began
        cpu = service.cpu() + server.cpu() - cpu
        result = Run(wall, cpu, service.peak_mb(), {"seconds until the upload is answered": sent - began})
    result.found = done["rows_read"] if done["rows_refused"] == 0 else None
    return result


def bench(arguments: argparse.Namespace) -> None:
    server = Server(arguments.postgres_bin, arguments.socket, arguments.postmaster)
    for rows in arguments.rows:
        file = data.reconciliation(arguments.folder, rows)
        warm(file)
        tools: dict[str, Callable[[], Run]] = {
            OURS: partial(ours, server, arguments.binary, arguments.folder, file),
            OWNER: partial(as_owner, server, file),
            STAGED: partial(staged, server, file),
        }
        runs = alternate(tools, arguments.repeat)
        report(f"import: {rows:,} rows of 46 columns, {file.stat().st_size / 1e6:,.1f} MB", runs, rows)
        peer = min(OWNER, STAGED, key=lambda name: median(result.wall for result in runs[name]))
        print(f"  The peer is the faster one: {peer}. Its peak is that of psql alone; CPU counts the server's too.")
        peak = max(result.peak_mb for result in runs[OURS])
        print(f"  Peak memory of the service: {peak:.0f} MB; the goal is less than {GOAL_MB} MB.")
