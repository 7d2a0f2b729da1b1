"""Benchmark `audit`: a year of entitlements and billing lines to gaps; ours against DuckDB and Polars.

Ours is `leakage audit`: it reads and checks both files, matches names, and writes the audit document with the
months and source lines of each gap. The peers read the same files and compute each gap's seat-months and money by
the same rules. All must agree on every gap to the cent.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import data
import reauditing
from database import Server
from measure import Run, alternate, report, run, run_peer, warm

PERIOD = ["--from", "2025-01", "--to", "2025-12", "--as-of", "2026-06-30"]


def ours(binary: Path, folder: Path, entitlements: Path, billing: Path) -> Run:
    document = folder / "audit-leakage.json"
    files = ["--entitlements", str(entitlements), "--billing", str(billing)]
    # It answers 1 when there are gaps.
    result = run([str(binary), "audit", *PERIOD, *files, "--format", "json"], ok=(1,), out=document)
    # Not measured.
    result.found = json.loads(run(data.script("read_audit.py", document, folder / "audit-leakage.csv")).output)
    return result


def peer(script: str, result: Path, entitlements: Path, billing: Path) -> Run:
    return run_peer(script, str(entitlements), str(billing), str(result))


def bench(arguments: argparse.Namespace) -> None:
    server = Server(arguments.postgres_bin, arguments.socket, arguments.postmaster)
    for clients in arguments.clients:
        bench_clients(arguments, clients)
        reauditing.bench_clients(arguments, server, clients)


def bench_clients(arguments: argparse.Namespace, clients: int) -> None:
    folder = arguments.folder
    entitlements, billing = files = data.contracts(folder, clients)
    warm(*files)
    tools = {
        "leakage audit": partial(ours, arguments.binary, folder, *files),
        "DuckDB, 2 threads": partial(peer, "audit_duckdb.py", folder / "audit-duckdb.csv", *files),
        "Polars, 2 threads": partial(peer, "audit_polars.py", folder / "audit-polars.csv", *files),
    }
    runs = alternate(tools, arguments.repeat)
    rows = sum(data.lines(file) - 1 for file in (entitlements, billing))
    size = sum(file.stat().st_size for file in files)
    what = f"{clients:,} clients, 40 products, 12 months"
    report(f"audit: {what}: {rows:,} rows, {size / 1e6:,.1f} MB", runs, rows)
    print(f"  All three found the same: {runs['leakage audit'][0].found}")
