"""Makes a year of entitlements and billing lines in our own template: the same bytes for the same number of clients.

Usage: contracts.py CLIENTS ENTITLEMENTS_FILE BILLING_FILE

Each client has 40 products, each with a row a month on either side, and more where seats or prices change inside a
month. Most are billed rightly. Some are not: billed too late or too little, for months not at all, never, or though
nothing is provisioned. Some are billed by two agreements at once, at different prices, and some by the year.
"""

import argparse
import calendar
import csv
import random
from datetime import date, timedelta
from pathlib import Path

from reconciliation import ENDINGS, FIRST, PRODUCTS, SECOND

YEAR = 2025
OTHERS = [
    "Backup",
    "Endpoint Protection",
    "Mail Archive",
    "Password Vault",
    "Remote Support",
    "Security Training",
    "VPN",
]
EDITIONS = ["Basic", "Standard", "Advanced", "Complete"]

# Seats, from a day until a day, which is not included any more.
Stretch = tuple[int, date, date]


def months(first: int) -> list[tuple[date, date]]:
    """The year's months from this one on."""
    ends = [date(YEAR, month, calendar.monthrange(YEAR, month)[1]) + timedelta(days=1) for month in range(1, 13)]
    return [(date(YEAR, month, 1), ends[month - 1]) for month in range(first, 13)]


def provisioned(draw: random.Random, first: int) -> list[Stretch]:
    """Seats of one product, a row a month, two where they change inside it."""
    seats = draw.randint(1, 150)
    rows = []
    for begins, ends in months(first):
        if draw.random() < 0.03:
            day = begins + timedelta(days=draw.randint(1, (ends - begins).days - 1))
            rows.append((seats, begins, day))
            seats = max(1, seats + draw.choice([-4, -2, -1, 1, 2, 3, 5]))
            rows.append((seats, day, ends))
        else:
            rows.append((seats, begins, ends))
    return rows


def billed(draw: random.Random, held: list[Stretch], first: int) -> list[Stretch]:
    """What is billed for it: mostly the same."""
    held = [row for row in held if row[1] >= date(YEAR, first, 1)]
    kind = draw.random()
    if kind < 0.70:
        return held
    if kind < 0.80:
        # Changes are billed from the next month on.
        late = [held[0], *((held[at - 1][0], *row[1:]) for at, row in enumerate(held) if at)]
        return late
    if kind < 0.90:
        wrong = draw.choice([-3, -2, -1, 1, 2])
        return [(max(0, seats + wrong), begins, ends) for seats, begins, ends in held]
    if kind < 0.95:
        since = draw.randint(0, len(held))
        return [(seats + (at >= since), begins, ends) for at, (seats, begins, ends) in enumerate(held)]
    if kind < 0.99:
        # Some months are forgotten.
        return [row for row in held if draw.random() < 0.8]
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", type=int)
    parser.add_argument("entitlements", type=Path)
    parser.add_argument("billing", type=Path)
    arguments = parser.parse_args()
    draw = random.Random(20250102)
    products = [(name, cents) for name, _, _, cents in PRODUCTS]
    products += [(f"{edition} {other}", draw.randrange(150, 4000)) for other in OTHERS for edition in EDITIONS]
    unfinished = [file.with_suffix(".unfinished") for file in (arguments.entitlements, arguments.billing)]
    with (
        unfinished[0].open("w", encoding="utf-8", newline="", buffering=1 << 20) as first_file,
        unfinished[1].open("w", encoding="utf-8", newline="", buffering=1 << 20) as second_file,
    ):
        entitlements, billing = (csv.writer(file, lineterminator="\n") for file in (first_file, second_file))
        entitlements.writerow(["client", "product", "purchased", "from", "until"])
        billing.writerow(["client", "product", "quantity", "unit_price", "currency", "cycle", "from", "until"])
        for number in range(1, arguments.clients + 1):
            ending = draw.choice(ENDINGS)
            client = f"{draw.choice(FIRST)} {draw.choice(SECOND)} {number}{ending}"
            currency = draw.choice(["USD", "USD", "USD", "EUR"])
            # Some clients come in the course of the year, and one side knows them earlier.
            since = [1, 1]
            if draw.random() < 0.05:
                since = [draw.randint(1, 6), draw.randint(1, 6)]
            for product, cents in products:
                held = provisioned(draw, min(since))
                lines = billed(draw, held, since[1])
                price, cycle = cents * draw.randint(95, 140) // 100, "monthly"
                if draw.random() < 0.1:
                    price, cycle = price * 11, "annual"
                raised = draw.randrange(len(lines)) if lines and draw.random() < 0.1 else len(lines)
                if draw.random() > 0.01:
                    held = [row for row in held if row[1] >= date(YEAR, since[0], 1)]
                    entitlements.writerows((client, product, *row) for row in held)
                second = draw.random() < 0.04
                for at, (seats, begins, ends) in enumerate(lines):
                    now = price * 105 // 100 if at >= raised else price
                    parts = [(seats, now)]
                    if second and seats > 1:
                        # Now and then halves of the same size, so that the price decides which one counts.
                        part = draw.choice([1, seats // 2])
                        parts = [(part, now * 9 // 10), (seats - part, now)]
                    for quantity, of in parts:
                        money = f"{of // 100}.{of % 100:02d}"
                        billing.writerow((client, product, quantity, money, currency, cycle, begins, ends))
    for file, made in zip((arguments.entitlements, arguments.billing), unfinished, strict=True):
        made.rename(file)


if __name__ == "__main__":
    main()
