"""What an audit found, in few words: the same for all tools when each gap is the same to the cent."""

import csv
import hashlib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

# A gap: client, product, direction, currency, amount, whether some of its days have no price (0 or 1), seat-months.
Gap = tuple[str, str, str, str, str, str, str]
HEADER = ("client", "product", "direction", "currency", "amount", "unpriced", "seat_months")


def summary(gaps: Iterable[Gap]) -> dict[str, object]:
    """How many, the sums of money, and a hash of all of them in order of client and product."""
    totals: dict[str, Decimal] = {}
    number = unpriced = 0
    seat_months = Decimal(0)
    whole = hashlib.sha256()
    for gap in sorted(gaps):
        number += 1
        _, _, direction, currency, amount, without_price, months = gap
        which = f"{currency} {direction}"
        totals[which] = totals.get(which, Decimal(0)) + Decimal(amount)
        unpriced += int(without_price)
        seat_months += Decimal(months)
        whole.update("\0".join(gap).encode() + b"\n")
    return {
        "gaps": number,
        "unpriced": unpriced,
        "totals": {which: str(totals[which]) for which in sorted(totals)},
        "seat_months": str(seat_months),
        "sha256": whole.hexdigest(),
    }


def of_file(file: Path) -> dict[str, object]:
    """Of a peer's result."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        return summary((row[0], row[1], row[2], row[3], row[4], row[5], row[6]) for row in rows)
