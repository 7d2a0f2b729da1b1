"""Runs the benchmarks that are asked for; `scripts/bench` prepares everything and calls this."""

import argparse
import signal
import sys
from pathlib import Path

import auditing
import bundling
import importing
import parsing
from measure import Failed

BENCHMARKS = {"parse": parsing.bench, "import": importing.bench, "audit": auditing.bench, "bundle": bundling.bench}


def several(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("which", choices=BENCHMARKS)
    parser.add_argument("--rows", type=several, default=[1_000_000])
    parser.add_argument("--clients", type=several, default=[1_000])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    # Of a PostgreSQL that runs; only `import` needs them.
    parser.add_argument("--postgres-bin", type=Path)
    parser.add_argument("--socket", type=Path)
    parser.add_argument("--postmaster", type=int)
    arguments = parser.parse_args()
    arguments.binary = arguments.binary.resolve()
    # As an exception, so that what was started is ended first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        BENCHMARKS[arguments.which](arguments)
    except Failed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
