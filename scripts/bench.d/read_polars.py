"""The peer Polars: reads a reconciliation file into a frame, each column with its type.

Usage: read_polars.py FILE

Its CSV reader knows decimals; days that are no ISO dates it reads as text, which is then converted.
"""

import sys

import polars as pl

from columns import COLUMNS, DAY, DECIMALS
from measure import Stopwatch


def main() -> None:
    watch = Stopwatch()
    schema = {name: pl.Decimal(*DECIMALS[kind]) if kind in DECIMALS else pl.String for name, kind in COLUMNS.items()}
    days = pl.col([name for name, kind in COLUMNS.items() if kind == DAY])
    frame = pl.scan_csv(sys.argv[1], schema=schema).with_columns(days.str.to_date("%m/%d/%Y")).collect()
    watch.stop()
    watch.tell(frame.height)


if __name__ == "__main__":
    main()
