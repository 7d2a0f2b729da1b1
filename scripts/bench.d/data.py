"""The files that are measured: made once by the generators, and used again."""

import subprocess
import sys
from pathlib import Path

from measure import note

FOLDER = Path(__file__).parent


def script(name: str, *arguments: object) -> list[str]:
    """The command that runs a script beside this one. In a process of its own: ours stays small."""
    return [sys.executable, str(FOLDER / name), *(str(argument) for argument in arguments)]


def made(generator: str, *arguments: object, files: list[Path]) -> None:
    """Makes files, unless they are there and newer than what makes them."""
    sources = [FOLDER / generator, FOLDER / "reconciliation.py"]
    newest = max(source.stat().st_mtime for source in sources)
    if all(file.exists() and file.stat().st_mtime > newest for file in files):
        return
    note(f"making {' and '.join(str(file) for file in files)}")
    subprocess.run(script(generator, *arguments), check=True)


def reconciliation(folder: Path, rows: int) -> Path:
    """A Partner Center reconciliation file of so many rows."""
    file = folder / f"reconciliation-{rows}.csv"
    made("reconciliation.py", rows, file, files=[file])
    return file


def contracts(folder: Path, clients: int) -> tuple[Path, Path]:
    """What so many clients have, and what they are billed, in a year."""
    entitlements, billing = folder / f"entitlements-{clients}.csv", folder / f"billing-{clients}.csv"
    made("contracts.py", clients, entitlements, billing, files=[entitlements, billing])
    return entitlements, billing


def lines(file: Path) -> int:
    with file.open("rb") as text:
        return sum(1 for _ in text)
