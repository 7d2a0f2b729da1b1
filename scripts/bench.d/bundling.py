"""Benchmark `bundle`: an evidence bundle made and checked. There is no peer: what is told is time and memory.

The program makes the facts itself, freezes them in a log, and writes the bundle; making the facts is in the time.
"""

import argparse
from pathlib import Path
from statistics import median

from measure import run

# Gaps, rows of source files, and what they may take: seconds and megabytes.
SIZES = [(10, 500, 0.3, 300), (400, 50_000, 5.0, 300)]


def bench(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.folder
    print("\nbundle: evidence made and checked")
    print(f"  {'':<36} {'wall s':>9} {'CPU s':>9} {'peak MB':>9} {'size MB':>9}")
    for gaps, rows, seconds, megabytes in SIZES:
        file = folder / f"bundle-{gaps}-{rows}.zip"
        for what in ("made", "checked"):
            command = [str(arguments.binary), str(gaps), str(rows), str(file), what]
            runs = [run(command) for _ in range(arguments.repeat)]
            wall = median(result.wall for result in runs)
            cpu = median(result.cpu for result in runs)
            peak = max(result.peak_mb for result in runs)
            name = f"{gaps} gaps, {rows:,} rows, {what}"
            within = "" if wall <= seconds and peak <= megabytes else f"   above {seconds} s or {megabytes} MB"
            print(f"  {name:<36} {wall:>9.3f} {cpu:>9.3f} {peak:>9.1f} {file.stat().st_size / 1e6:>9.2f}{within}")
