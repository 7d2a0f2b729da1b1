"""Prints what `leakage audit` found, as the peers print it. In a process of its own, because it needs memory.

Usage: read_audit.py DOCUMENT RESULT_FILE
"""

import csv
import json
import sys
from pathlib import Path

from answers import HEADER, summary


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        document = json.load(file)
    gaps = []
    for gap in document["gaps"]:
        money, unpriced = gap["amount"], str(int(gap["unpriced"]))
        what = (gap["client"], gap["product"], gap["direction"])
        gaps.append((*what, money["currency"], money["amount"], unpriced, gap["seat_months"]))
    with Path(sys.argv[2]).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *sorted(gaps)])
    print(json.dumps(summary(gaps)))
    apart = [entry for entry in document["coverage"] if entry["status"] != "compared"]
    if apart or document["proposals"]:
        sys.exit(f"not everything was compared: {apart[:5]} {document['proposals'][:5]}")


if __name__ == "__main__":
    main()
