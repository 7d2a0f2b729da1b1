"""The files that are measured: made once by the generators, and used again."""

import subprocess
import sys
from pathlib import Path

from measure import note


def made(generator: str, *arguments: str, files: list[Path]) -> None:
    """Makes files unless they are there and newer than their generator. In a process of its own: ours stays small."""
    script = Path(__file__).parent / generator
    if all(file.exists() and file.stat().st_mtime > script.stat().st_mtime for file in files):
        return
    note(f"making {', '.join(str(file) for file in files)}")
    subprocess.run([sys.executable, str(script), *arguments], check=True)


def reconciliation(folder: Path, rows: int) -> Path:
    """A Partner Center reconciliation file of so many rows."""
    file = folder / f"reconciliation-{rows}.csv"
    made("reconciliation.py", str(rows), str(file), files=[file])
    return file
