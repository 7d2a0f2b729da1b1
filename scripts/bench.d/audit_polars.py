"""The peer Polars: the audit as a lazy query, exact in whole numbers.

Usage: audit_polars.py ENTITLEMENTS BILLING RESULT

The same way as in audit_duckdb.py: see there.
"""

import sys
from datetime import date
from pathlib import Path

import polars as pl

from answers import of_file
from measure import Stopwatch

FIRST, LAST = date(2025, 1, 1), date(2026, 1, 1)
HELD = {"client": pl.String, "product": pl.String, "purchased": pl.Int64, "from": pl.Date, "until": pl.Date}
BILLED = {
    "client": pl.String,
    "product": pl.String,
    "quantity": pl.Int64,
    "unit_price": pl.Decimal(18, 2),
    "currency": pl.String,
    "cycle": pl.String,
    "from": pl.Date,
    "until": pl.Date,
}
NAMES = ["client", "product"]


def gaps(entitlements: str, billing: str) -> pl.DataFrame:
    held = pl.scan_csv(entitlements, schema=HELD, try_parse_dates=True)
    billed = pl.scan_csv(billing, schema=BILLED, try_parse_dates=True)
    held, billed = pl.collect_all([held, billed])

    # The days that both sides know of a client.
    span = [pl.col("from").min().alias("first"), pl.col("until").max().alias("last")]
    covered = (
        held.group_by("client")
        .agg(span)
        .join(billed.group_by("client").agg(*span, pl.col("currency").first()), on="client", suffix="_billed")
        .select(
            "client",
            "currency",
            pl.max_horizontal("first", "first_billed", pl.lit(FIRST)).alias("first"),
            pl.min_horizontal("last", "last_billed", pl.lit(LAST)).alias("last"),
        )
    )
    # Numbers join faster than names.
    subjects = (
        pl.concat([held.select(NAMES), billed.select(NAMES)])
        .unique()
        .join(covered, on="client")
        .with_row_index("subject")
    )
    key = subjects.lazy().select("subject", *NAMES)
    cents = (pl.col("unit_price") * 100).cast(pl.Int64)
    times = pl.col("cycle").replace_strict(
        {"monthly": 36, "quarterly": 12, "annual": 3, "triennial": 1}, return_dtype=pl.Int64
    )
    seats, lines = pl.collect_all(
        [
            held.lazy().join(key, on=NAMES).select("subject", "purchased", "from", "until"),
            billed.lazy()
            .join(key, on=NAMES)
            .select("subject", "quantity", "from", "until", (cents * times).alias("rate")),
        ]
    )
    priced = stretches(subjects.lazy(), seats.lazy(), lines.lazy())
    return (
        with_rates(priced, lines)
        .group_by("subject", "direction", pl.col("day").dt.truncate("1mo").alias("month"))
        .agg(
            (pl.col("seats") * pl.col("days")).sum().alias("seat_days"),
            (pl.col("seats") * pl.col("days") * pl.col("rate")).sum().alias("money"),
            pl.col("rate").is_null().any().alias("unpriced"),
        )
        .with_columns(pl.col("month").dt.month_end().dt.day().cast(pl.Int64).alias("length"))
        .group_by("subject", "direction")
        .agg(
            # Half away from zero: none is below it.
            ((2 * pl.col("money") + 36 * pl.col("length")) // (72 * pl.col("length"))).sum().alias("cents"),
            pl.col("unpriced").any().cast(pl.Int8),
            (pl.col("seat_days") * (377_580 // pl.col("length"))).sum().alias("parts"),
        )
        .join(subjects.lazy(), on="subject")
        .select(
            *NAMES,
            pl.when(pl.col("direction") > 0).then(pl.lit("under")).otherwise(pl.lit("over")).alias("direction"),
            "currency",
            decimal(pl.col("cents"), 2).alias("amount"),
            "unpriced",
            decimal((2_000_000 * pl.col("parts") + 377_580) // 755_160, 6).alias("seat_months"),
        )
        .collect()
    )


def decimal(whole: pl.Expr, places: int) -> pl.Expr:
    """A whole number of the smallest unit, written with a point."""
    part = (whole % 10**places).cast(pl.String).str.zfill(places)
    return (whole // 10**places).cast(pl.String) + "." + part


def stretches(subjects: pl.LazyFrame, held: pl.LazyFrame, lines: pl.LazyFrame) -> pl.DataFrame:
    """The days from one change to the next, where there is a gap."""
    none = pl.lit(0, pl.Int64)

    def change(of: pl.LazyFrame, day: pl.Expr, gap: pl.Expr) -> pl.LazyFrame:
        return of.select("subject", day.alias("day"), gap.alias("gap"))

    month_begins = pl.date_range(FIRST, LAST, "1mo", eager=True).alias("begins").to_frame().lazy()
    changes = pl.concat(
        [
            change(held, pl.col("from"), pl.col("purchased")),
            change(held, pl.col("until"), -pl.col("purchased")),
            change(lines, pl.col("from"), -pl.col("quantity")),
            change(lines, pl.col("until"), pl.col("quantity")),
            # Without seats: where a month begins, and where the covered days do.
            change(subjects.join(month_begins, how="cross"), pl.col("begins"), none),
            change(subjects, pl.col("first"), none),
            change(subjects, pl.col("last"), none),
        ]
    )
    return (
        changes.group_by("subject", "day")
        .agg(pl.col("gap").sum())
        .sort("subject", "day")
        .with_columns(
            pl.col("gap").cum_sum().over("subject"),
            (pl.col("day").shift(-1).over("subject") - pl.col("day")).dt.total_days().alias("days"),
        )
        .filter((pl.col("gap") != 0) & (pl.col("days") > 0))
        .join(subjects.select("subject", "first", "last"), on="subject")
        .filter((pl.col("day") >= pl.col("first")) & (pl.col("day") < pl.col("last")))
        .select(
            "subject",
            "day",
            "days",
            pl.col("gap").abs().alias("seats"),
            pl.col("gap").sign().alias("direction"),
        )
        .with_row_index("stretch")
        .collect()
    )


def with_rates(stretches: pl.DataFrame, lines: pl.DataFrame) -> pl.LazyFrame:
    """The stretches with the price of their days."""
    # The line that began last gives the price; most often it is the only one, and still active.
    starts = (
        lines.lazy()
        .group_by("subject", "from")
        .agg(pl.len().alias("number"), pl.col("until").first(), pl.col("rate").first())
        .sort("from")
    )
    usual = (
        stretches.lazy()
        .sort("day")
        .join_asof(starts, left_on="day", right_on="from", by="subject", check_sortedness=False)
        .with_columns(pl.when((pl.col("number") == 1) & (pl.col("until") > pl.col("day"))).then("rate").alias("rate"))
        .select("stretch", "subject", "day", "days", "seats", "direction", "rate")
        .collect()
    )
    unusual = usual.lazy().filter(pl.col("rate").is_null()).drop("rate")
    # Otherwise: active ones first, of which the one that began last, of those that ended the one that ended last;
    # then the larger quantity, then the lower price if under, the higher if over.
    active = pl.col("until") > pl.col("day")
    decided = (
        unusual.join(lines.lazy().filter(pl.col("rate") > 0), on="subject")
        .filter(pl.col("from") <= pl.col("day"))
        .with_columns(
            pl.when(active).then(pl.lit(date(9999, 12, 31))).otherwise("until").alias("ends"),
            (-pl.col("direction") * pl.col("rate")).alias("preference"),
        )
        .sort("ends", "from", "quantity", "preference")
        .group_by("stretch", maintain_order=True)
        .agg(pl.col("rate").last())
    )
    return pl.concat(
        [usual.lazy().filter(pl.col("rate").is_not_null()), unusual.join(decided, on="stretch", how="left")]
    )


def main() -> None:
    entitlements, billing, result = sys.argv[1:]
    watch = Stopwatch()
    gaps(entitlements, billing).write_csv(result)
    watch.stop()
    watch.tell(of_file(Path(result)))


if __name__ == "__main__":
    main()
