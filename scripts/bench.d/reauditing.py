"""Benchmark `audit`, in the service: the same files, imported before, from stored rows to a finished audit, against
`leakage audit`; and an audit of one client among all of them.

The service is measured through HTTP, from the request until it answers with the audit done: rows read, compared,
document and gaps stored. Its digest must be that of the command's document. The audit of one client must find the
same gaps as that of all, to the cent.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import data
from database import Server
from measure import Failed, Run, alternate, note, report, run
from service import Service

MONTHS = {"from": "2025-01", "to": "2025-12", "as_of": "2026-06-30"}
PERIOD = ["--from", "2025-01", "--to", "2025-12", "--as-of", "2026-06-30"]
OURS, COMMAND = "service, from stored rows", "leakage audit"
GOAL_SECONDS = 0.2


def command(binary: Path, folder: Path, entitlements: Path, billing: Path) -> Run:
    document = folder / "audit-leakage.json"
    files = ["--entitlements", str(entitlements), "--billing", str(billing)]
    result = run([str(binary), "audit", *PERIOD, *files, "--format", "json"], ok=(1,), out=document)
    # Not measured, and in a process of its own: ours stays small.
    result.found = run(data.script("read_digest.py", document)).output.strip()
    return result


def audited(service: Service, server: Server, asked: dict[str, Any]) -> tuple[Run, dict[str, Any]]:
    """Runs an audit, and answers what it took and the audit."""
    cpu = service.cpu() + server.cpu()
    began = time.perf_counter()
    audit = service.ask("POST", "/v1/audits", {**MONTHS, **asked}, {"Prefer": "wait=60"})
    while audit["status"] == "running":
        time.sleep(0.01)
        audit = service.ask("GET", f"/v1/audits/{audit['id']}")
    wall = time.perf_counter() - began
    if audit["status"] != "completed":
        raise Failed(f"the audit is {audit['status']}: {json.dumps(audit)[:2000]}")
    return Run(wall, service.cpu() + server.cpu() - cpu, service.peak_mb(), found=audit["digest"]), audit


def gaps(service: Service, audit: str, client: str) -> list[Any]:
    """What an audit found of one client."""
    found: list[Any] = []
    path = f"/v1/audits/{audit}/gaps?client_id={client}&limit=500"
    cursor = ""
    while True:
        page = service.ask("GET", path + cursor)
        found += [(gap["id"], gap["amount"], gap["seat_months"]) for gap in page["data"]]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def bench_clients(arguments: argparse.Namespace, server: Server, clients: int) -> None:
    folder = arguments.folder
    files = data.contracts(folder, clients)
    server.new_database()
    with Service(arguments.binary, server, folder) as service:
        note("importing what is audited; that is not measured")
        for file in files:
            service.completed(service.upload(file))
        imported = service.peak_mb()
        tools = {
            OURS: lambda: audited(service, server, {})[0],
            COMMAND: partial(command, arguments.binary, folder, *files),
        }
        runs = alternate(tools, arguments.repeat)
        rows = sum(data.lines(file) - 1 for file in files)
        what = f"{clients:,} clients, 40 products, 12 months, {rows:,} rows"
        report(f"audit in the service: {what}", runs, rows)
        print(f"  Peak memory of the service: {runs[OURS][0].peak_mb:,.0f} MB; {imported:,.0f} MB after the imports.")
        one_client(arguments, service, server, what)


def one_client(arguments: argparse.Namespace, service: Service, server: Server, what: str) -> None:
    whole = audited(service, server, {})[1]["id"]
    chosen = service.ask("GET", "/v1/clients?limit=500")["data"]
    runs: list[Run] = []
    for number in range(max(arguments.repeat, 5)):
        client = chosen[number * 37 % len(chosen)]["id"]
        result, audit = audited(service, server, {"clients": [client]})
        if gaps(service, audit["id"], client) != gaps(service, whole, client):
            raise Failed(f"the audit of client {client} found other gaps than that of all")
        runs.append(result)
    walls = [result.wall * 1000 for result in runs]
    print(f"\naudit of one client: {what}")
    print(
        f"  median {median(walls):,.0f} ms, from {min(walls):,.0f} to {max(walls):,.0f} ms;"
        f" CPU {median(result.cpu for result in runs) * 1000:,.0f} ms; the goal is less than {GOAL_SECONDS * 1000:.0f} ms."
    )
    print("  It found the same gaps as the audit of all clients.")
