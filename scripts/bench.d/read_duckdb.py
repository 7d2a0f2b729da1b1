"""The peer DuckDB: reads a reconciliation file into a table in memory, each column with its type.

Usage: read_duckdb.py FILE
"""

import sys

import duckdb

from columns import COLUMNS, DAY, DECIMALS, TEXT
from measure import Stopwatch


def sql_type(kind: str) -> str:
    if kind == TEXT:
        return "VARCHAR"
    if kind == DAY:
        return "DATE"
    width, scale = DECIMALS[kind]
    return f"DECIMAL({width},{scale})"


def main() -> None:
    watch = Stopwatch()
    database = duckdb.connect(config={"threads": 2})
    # Nothing is sniffed, and rows may come in any order: both make it faster.
    database.execute("set preserve_insertion_order = false")
    database.execute(
        "create table charges as select * from read_csv(?, header = true, auto_detect = false, delim = ',', "
        "quote = '\"', escape = '\"', dateformat = '%m/%d/%Y', columns = $columns)".replace(
            "$columns", "{" + ", ".join(f"'{name}': '{sql_type(kind)}'" for name, kind in COLUMNS.items()) + "}"
        ),
        [sys.argv[1]],
    )
    watch.stop()
    watch.tell(database.execute("select count(*) from charges").fetchall()[0][0])


if __name__ == "__main__":
    main()
