"""Makes a Partner Center new-commerce reconciliation file: the same bytes for the same number of rows.

Usage: reconciliation.py ROWS FILE

Twelve months of invoices. Each subscription is charged once a cycle; some change their seats inside it, which is
two rows, a refund of the old total and a charge of the new one. Beside them are Azure plans, software bought once,
cancellations and customers' credits. Columns that many partners never see filled (partner ids, price adjustments,
promotions, names said twice) are empty in 19 of 20 rows; a row has some 390 bytes.
"""

import argparse
import calendar
import random
import uuid
from collections.abc import Iterator
from pathlib import Path

from columns import COLUMNS

YEAR = 2025
# Name, product id, SKU id, list price in cents.
PRODUCTS = [
    ("Microsoft 365 Business Basic", "CFQ7TTC0LH18", "0001", 600),
    ("Microsoft 365 Business Standard", "CFQ7TTC0LDPB", "0001", 1250),
    ("Microsoft 365 Business Premium", "CFQ7TTC0LCHC", "0002", 2200),
    ("Microsoft 365 Apps for business", "CFQ7TTC0LH1G", "0001", 825),
    ("Exchange Online (Plan 1)", "CFQ7TTC0LH16", "0001", 400),
    ("Office 365 E3", "CFQ7TTC0LF8R", "0001", 2300),
    ("Microsoft 365 E5", "CFQ7TTC0LFLZ", "0002", 5700),
    ("Visio Plan 2", "CFQ7TTC0HD32", "0001", 1500),
    ("Planner and Project Plan 3", "CFQ7TTC0HDB0", "0001", 3000),
    ("Power BI Pro", "CFQ7TTC0H9MP", "0001", 1400),
    ("Microsoft Entra ID P1", "CFQ7TTC0LFLS", "0002", 600),
    ("Microsoft Defender for Office 365 (Plan 1)", "CFQ7TTC0LH04", "0001", 200),
]
FIRST = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper", "Kauri", "Larch"]
SECOND = ["Bakery", "Clinic", "Design", "Energy", "Freight", "Gardens", "Hotels", "Legal", "Motors", "Optics", "Tools"]
# As it is written between commas.
ENDINGS = ["", " GmbH", " Ltd", ", Inc.", ", LLC", " & Söhne"]
TERMS = [
    "One-Month commitment for monthly billing",
    "One-Year commitment for monthly/yearly billing",
    "1 Month Subscription",
    "1 Year Subscription",
]
# Ten decimals, as effective unit prices are written.
SCALE = 10**10


class Subscription:
    """One subscription of a customer, and its cells that never change."""

    def __init__(self, draw: random.Random, customer: tuple[str, ...]) -> None:
        name, product, sku, self.cents = draw.choice(PRODUCTS)
        self.customer = customer
        self.id = guid(draw)
        self.seats = draw.randint(1, 120)
        self.monthly = draw.random() < 0.5
        term = TERMS[draw.randrange(2) * 2 + (not self.monthly)]
        self.started = f"{draw.randint(1, 12)}/1/{YEAR - 1}"
        # The year's last day: a subscription's end is included.
        self.ends = f"12/31/{YEAR}"
        self.order = f"{draw.getrandbits(48):012x}"
        self.availability = f"CFQ7TTC0{draw.getrandbits(16):04X}"
        self.product, self.sku, self.name, self.term = product, sku, name, term


def guid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def scaled(value: int) -> str:
    """A whole number of 10^-10, without zeros at the end."""
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), SCALE)
    return f"{sign}{whole}.{part:010d}".rstrip("0").rstrip(".")


def money(cents: int) -> str:
    return scaled(cents * (SCALE // 100))


class Writer:
    """Rows of one file, one after the other."""

    def __init__(self) -> None:
        self.draw = random.Random(20250101)
        self.partner = guid(self.draw)
        self.events = 0

    def customer(self, number: int) -> tuple[str, ...]:
        draw = self.draw
        first, second, ending = draw.choice(FIRST), draw.choice(SECOND), draw.choice(ENDINGS)
        name = f"{first} {second} {number}{ending}"
        if "," in name:
            name = f'"{name}"'
        domain = f"{first.lower()}{number}.example"
        country, currency = draw.choice([("US", "USD"), ("US", "USD"), ("DE", "EUR"), ("GB", "GBP")])
        return guid(draw), name, domain, country, currency

    def line(
        self,
        of: Subscription,
        month: int,
        charge: str,
        days: tuple[int, int],
        quantity: int,
        *,
        sign: int = 1,
        reference: str = "",
    ) -> str:
        """A charge for the seats from one day of the month to another, both included."""
        length = calendar.monthrange(YEAR, month)[1]
        first, last = days
        # List price / days of the cycle x days charged, and the amount: rounded down to cents, times the seats.
        effective = of.cents * (SCALE // 100) * (last - first + 1) // length
        amount = effective // (SCALE // 100) * quantity * sign
        customer, name, domain, country, currency = of.customer
        abroad = currency != "USD"
        tax = amount // 5 if abroad else 0
        self.events += 1
        rate = f"0.{846202666 + month * 1013}" if abroad else "1"
        partner = tier = order = availability = name_again = promotion = ""
        adjusted = qualified = "[]"
        if self.events % 20 == 0:
            partner, tier, order, availability = self.partner, "6048879", of.order, of.availability
            name_again, promotion = of.name, "CFQ7TTC0LDPB:1:CFQ7TTC0GZQJ"
            adjusted, qualified = ADJUSTED, QUALIFIED
        return (
            f"{partner},{customer},{name},{domain},{country},G{9000000 + month:09d},6034453,{tier},{order},"
            f"{month}/{first}/{YEAR},{of.product},{of.sku},{availability},{of.name},{name_again},{charge},"
            f"{money(of.cents)},{quantity},{money(amount)},{money(tax)},{money(amount + tax)},{currency},"
            f"{adjusted},Microsoft,,{name_again},{of.id},{month}/{first}/{YEAR},{month}/{last}/{YEAR},"
            f"{of.term},{scaled(effective * sign)},Licenses,,{quantity},Monthly,USD,{rate},"
            f"{f'{month}/{length}/{YEAR}' if abroad else ''},,,,{of.started},{of.ends},"
            f"{reference or f'r{self.events:x}'},{qualified},{promotion}\n"
        )

    def usage(self, of: Subscription, month: int) -> str:
        """A month of an Azure plan: nine and more decimals."""
        customer, name, domain, country, currency = of.customer
        self.events += 1
        length = calendar.monthrange(YEAR, month)[1]
        units, price = self.draw.randrange(1, 10**12), self.draw.randrange(1, 10**9)
        amount = units * price // (SCALE * SCALE // 100)
        return (
            f"{self.partner},{customer},{name},{domain},{country},G{9000000 + month:09d},6034453,,{of.order},"
            f"{month}/{length}/{YEAR},DZH318Z0BPS6,0001,,Azure plan,Azure plan,new,{scaled(price)},1,{money(amount)},0,"
            f"{money(amount)},{currency},{ADJUSTED},Microsoft,,Azure plan,{of.id},{month}/1/{YEAR},"
            f"{month}/{length}/{YEAR},,{scaled(price * 85 // 100)},1 GB/Month,,{scaled(units)},Monthly,USD,"
            f"0.846202666,{month}/{length}/{YEAR},Tables - LRS Data Stored (GB/Month),,,{of.started},,"
            f"r{self.events:x},[],\n"
        )

    def once(self, of: Subscription, month: int) -> str:
        """Software bought once: no end, no cycle."""
        customer, name, domain, country, currency = of.customer
        self.events += 1
        seats = self.draw.randint(1, 16)
        return (
            f"{self.partner},{customer},{name},{domain},{country},G{9000000 + month:09d},6034453,,{of.order},"
            f"{month}/3/{YEAR},DG7GMGF0FKX9,0003,,SQL Server 2022 Standard,,new,900,{seats},{seats * 900},0,"
            f"{seats * 900},{currency},[],Microsoft,,,{guid(self.draw)},{month}/3/{YEAR},,,900,Licenses,,{seats},,"
            f"USD,1,,,,,{month}/3/{YEAR},,r{self.events:x},[],\n"
        )

    def month(self, of: Subscription, month: int) -> Iterator[list[str]]:
        """The rows of a subscription in a month; those in one list belong together."""
        draw = self.draw
        length = calendar.monthrange(YEAR, month)[1]
        kind = draw.random()
        if kind < 0.02:
            yield [self.usage(of, month)]
        elif kind < 0.03:
            yield [self.once(of, month)]
        if of.seats == 0:
            return
        charge = "new" if month == 1 else ("renew" if of.monthly else "cycleCharge")
        yield [self.line(of, month, charge, (1, length), of.seats)]
        if kind < 0.15:
            return
        if kind < 0.35:
            day, before = draw.randint(2, length), of.seats
            of.seats = max(1, before + draw.choice([-5, -3, -2, -1, 1, 1, 2, 3, 4, 6]))
            if of.seats != before:
                word = "addQuantity" if of.seats > before else "removeQuantity"
                reference = guid(draw)
                yield [
                    self.line(of, month, word, (day, length), before, sign=-1, reference=reference),
                    self.line(of, month, word, (day, length), of.seats, reference=reference),
                ]
        elif kind < 0.355:
            yield [self.line(of, month, "cancelImmediate", (draw.randint(2, length), length), of.seats, sign=-1)]
            of.seats = 0
        elif kind < 0.36:
            yield [self.line(of, month, "customerCredit", (1, length), 1, sign=-1)]


ADJUSTED = '"[""15.0% Partner earned credit for services managed""]"'
QUALIFIED = '"[""Add-on""]"'


def lines(rows: int) -> Iterator[list[str]]:
    """Exactly so many rows, in lists of those that belong together."""
    writer = Writer()
    # A subscription gives about 1.2 rows a month; the last month is cut where the rows are.
    subscriptions: list[Subscription] = []
    customers = 0
    while len(subscriptions) * 14 < rows:
        customers += 1
        customer = writer.customer(customers)
        subscriptions.extend(Subscription(writer.draw, customer) for _ in range(writer.draw.randint(2, 14)))
    left = rows
    for month in range(1, 13):
        for subscription in subscriptions:
            for together in writer.month(subscription, month):
                if len(together) <= left:
                    yield together
                    left -= len(together)
                if left == 0:
                    return
    raise SystemExit(f"{left} of {rows} rows are lacking: too few subscriptions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    # Whole or not at all: a file that was cut would be used again.
    unfinished = arguments.file.with_suffix(".unfinished")
    with unfinished.open("w", encoding="utf-8", newline="", buffering=1 << 20) as file:
        file.write(",".join(COLUMNS) + "\n")
        for together in lines(arguments.rows):
            file.writelines(together)
    unfinished.rename(arguments.file)


if __name__ == "__main__":
    main()
