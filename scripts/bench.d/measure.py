"""Runs a command once and says what it took; puts ours and a peer's runs side by side.

A ratio is our time divided by the peer's: below 1 we are faster. The tools take turns, so that a slow
minute of the machine hits all of them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass
class Run:
    """What one run took: seconds on the clock, CPU seconds, and megabytes (10^6 bytes) at the peak."""

    wall: float
    cpu: float
    peak_mb: float
    # What else is worth printing, by name.
    more: dict[str, float] = field(default_factory=dict)
    # What it found: the same for all tools, or they did not do the same.
    found: object = None
    output: str = ""


class Failed(Exception):
    """A run did not do what is measured: there is nothing to compare."""


def run(
    command: list[str], env: dict[str, str] | None = None, ok: tuple[int, ...] = (0,), out: Path | None = None
) -> Run:
    """Runs a command in a process of its own, to its end.

    This process must stay small: on Linux the peak of a child is at least the size of its parent at the fork.
    """
    with out.open("wb") if out else nullcontext(subprocess.PIPE) as sink:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=sink, env={**os.environ, **(env or {})})
        try:
            output = process.stdout.read().decode() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ok:
        raise Failed(f"exit code {process.returncode}: {' '.join(command)}\n{output}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6, output=output)


def run_peer(script: str, *arguments: str) -> Run:
    """Runs a peer's script. It times itself, without the start of the interpreter and its imports."""
    whole = run([sys.executable, str(Path(__file__).parent / script), *arguments], {"POLARS_MAX_THREADS": "2"})
    said = json.loads(whole.output.splitlines()[-1])
    return Run(said["wall"], said["cpu"], whole.peak_mb, found=said["found"])


class Stopwatch:
    """Of a peer's script: wall and CPU seconds of the whole process, since it was made until it is stopped."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu

    def tell(self, found: object) -> None:
        """Prints the line that `run_peer` reads."""
        print(json.dumps({"wall": self.wall, "cpu": self.cpu, "found": found}))


def alternate(tools: Mapping[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    """Runs all tools once a round, in another order each round."""
    names = list(tools)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            result = tools[name]()
            runs[name].append(result)
            expected = next(run.found for some in runs.values() for run in some)
            if result.found != expected:
                raise Failed(f"{name} found {result.found}, another tool {expected}")
            note(f"round {number + 1}/{rounds}  {name:<28} {result.wall:8.2f} s  {result.cpu:8.2f} s CPU")
    return runs


def report(title: str, runs: dict[str, list[Run]], rows: int) -> None:
    """Prints the runs, and the ratios of the first tool (ours) to each other one."""
    ours = next(iter(runs))
    print(f"\n{title}")
    print(
        f"  {'':<28} {'rows/s':>11} {'wall s':>9} {'(min)':>9} {'CPU s':>9} {'peak MB':>9}"
        f"   {'wall':>6} {'(min)':>7} {'CPU':>6}"
    )
    for name, results in runs.items():
        wall = median(result.wall for result in results)
        least = min(result.wall for result in results)
        cpu = median(result.cpu for result in results)
        peak = max(result.peak_mb for result in results)
        line = f"  {name:<28} {rows / wall:>11,.0f} {wall:>9.3f} {least:>9.3f} {cpu:>9.3f} {peak:>9.1f}"
        if name != ours:
            pairs = list(zip(runs[ours], results, strict=True))
            line += (
                f"   {median(a.wall / b.wall for a, b in pairs):>6.2f}"
                f" {min(a.wall for a, _ in pairs) / least:>7.2f}"
                f" {median(a.cpu / b.cpu for a, b in pairs):>6.2f}"
            )
        print(line)
        for what in results[0].more:
            values = [result.more[what] for result in results]
            print(f"    {what}: {median(values):,.2f} (from {min(values):,.2f} to {max(values):,.2f})")
    print("  The last three columns are ratios, ours / peer: median of the rounds, best / best, median of CPU.")


def note(text: str) -> None:
    """Says on standard error what goes on."""
    print(text, file=sys.stderr, flush=True)


def warm(*paths: Path) -> None:
    """Reads files once, so that the first tool does not pay for the disk."""
    for path in paths:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass
