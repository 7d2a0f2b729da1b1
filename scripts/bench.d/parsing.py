"""Benchmark `parse`: a reconciliation file to typed rows in memory; ours against DuckDB and Polars.

Ours is `leakage inspect`: it finds the format, checks every row, drops no row silently, finds rows that are there
twice, and makes canonical records of exact decimals. The peers parse all 46 columns to given types.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import data
from measure import Failed, Run, alternate, report, run, run_peer, warm


def ours(binary: Path, file: Path) -> Run:
    result = run([str(binary), "inspect", str(file)])
    said = json.loads(result.output)
    if said.get("error") or said["refused_total"]:
        raise Failed(f"the file was not read: {result.output[:2000]}")
    # It does not print the sum: its rows must be the file's.
    result.found = said["read"]
    return result


def bench(arguments: argparse.Namespace) -> None:
    a_row: dict[int, float] = {}
    for rows in arguments.rows:
        file = data.reconciliation(arguments.folder, rows)
        warm(file)
        tools = {
            "leakage inspect": partial(ours, arguments.binary, file),
            "DuckDB, 2 threads": partial(run_peer, "read_duckdb.py", str(file)),
            "Polars, 2 threads": partial(run_peer, "read_polars.py", str(file)),
        }
        runs = alternate(tools, arguments.repeat)
        size = file.stat().st_size
        report(f"parse: {rows:,} rows of 46 columns, {size / 1e6:,.1f} MB", runs, rows)
        a_row[rows] = min(result.wall for result in runs["leakage inspect"]) / rows
    if len(a_row) > 1:
        print("\n  How time grows with rows (ours, best run):")
        for rows, seconds in a_row.items():
            print(f"  {rows:>12,} rows: {seconds * 1e6:7.2f} microseconds a row")
