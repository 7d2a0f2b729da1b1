"""The peer DuckDB: the audit as SQL, exact in whole numbers.

Usage: audit_duckdb.py ENTITLEMENTS BILLING RESULT

The rules are those of docs/numbers.md with proration `daily`. Prices are cents per seat and 36 months, a multiple
of every cycle; seat-months are counted in parts of 377,580, which every month's length divides. A line that ended
gives a price for twelve months: the data lie in one year, so that none is older.
"""

import sys
from pathlib import Path

import duckdb

from answers import of_file
from measure import Stopwatch

STATEMENTS = """
create table held as select * from read_csv($entitlements, header = true, auto_detect = false, columns = {
  'client': 'VARCHAR', 'product': 'VARCHAR', 'purchased': 'INTEGER', 'from': 'DATE', 'until': 'DATE'});

create table billed as select * from read_csv($billing, header = true, auto_detect = false, columns = {
  'client': 'VARCHAR', 'product': 'VARCHAR', 'quantity': 'INTEGER', 'unit_price': 'DECIMAL(18, 2)',
  'currency': 'VARCHAR', 'cycle': 'VARCHAR', 'from': 'DATE', 'until': 'DATE'});

-- The days that both sides know of a client.
create table covered as
select client, currency, row_number() over () as client_id,
  greatest(held.first, billed.first, date '2025-01-01') as first,
  least(held.last, billed.last, date '2026-01-01') as last
from (select client, min("from") as first, max(until) as last from held group by client) held
join (select client, min("from") as first, max(until) as last, any_value(currency) as currency
  from billed group by client) billed using (client);

-- Numbers join faster than names.
create table subjects as
select row_number() over () as subject, client_id, client, product, currency, first, last
from (select client, product from held union select client, product from billed) join covered using (client);

create table lines as
select subject, quantity, "from", until,
  (unit_price * 100)::bigint * (case cycle when 'annual' then 3 when 'quarterly' then 12 when 'triennial' then 1
    else 36 end) as rate
from billed join subjects using (client, product);

-- What changes on a day; without seats: where a month begins, and where the covered days do.
create table changes as
select subject, day, sum(held) as held, sum(billed) as billed from (
  select subject, "from" as day, purchased as held, 0 as billed from held join subjects using (client, product)
  union all
  select subject, until, -purchased, 0 from held join subjects using (client, product)
  union all
  select subject, "from", 0, quantity from lines
  union all
  select subject, until, 0, -quantity from lines
  union all
  select subject, unnest(generate_series(date '2025-01-01', date '2026-01-01', interval 1 month))::date, 0, 0
  from subjects
  union all
  select subject, first, 0, 0 from subjects
  union all
  select subject, last, 0, 0 from subjects
) group by subject, day;

-- From one change to the next everything stays as it is.
create table stretches as
select row_number() over () as stretch, subject, day, days, abs(gap)::bigint as seats, sign(gap)::bigint as direction
from (
  select subject, day, (lead(day) over following - day)::bigint as days,
    sum(held) over following - sum(billed) over following as gap
  from changes window following as (partition by subject order by day)
) join subjects using (subject)
where gap <> 0 and days > 0 and day >= first and day < last;

-- The line that began last gives the price; most often it is the only one, and still active.
create table starts as
select subject, "from", count(*) as number, any_value(until) as until, any_value(rate) as rate
from lines group by subject, "from";

create table usual as
select stretch, case when number = 1 and until > day then rate end as rate
from stretches asof left join starts on stretches.subject = starts.subject and stretches.day >= starts."from";

-- Otherwise: active ones first, of which the one that began last, of those that ended the one that ended last;
-- then the larger quantity, then the lower price if under, the higher if over.
create table rates as
select stretch, rate from usual where rate is not null
union all
select stretch, arg_max(lines.rate, (case when until > day then date '9999-12-31' else until end, "from", quantity,
  -direction * lines.rate))
from usual join stretches using (stretch) join lines using (subject)
where usual.rate is null and lines.rate > 0 and "from" <= day group by stretch;

create table months as
select subject, direction, date_trunc('month', day) as month, day(last_day(any_value(day))) as length,
  sum(seats * days)::bigint as seat_days, coalesce(sum(seats * days * rate), 0) as money,
  bool_or(rate is null) as unpriced
from stretches left join rates using (stretch) group by all;

copy (
  select client, product, case when direction > 0 then 'under' else 'over' end as direction, currency,
    -- Half away from zero: none is below it.
    (sum((2 * money + 36 * length) // (72 * length)) / 100)::decimal(18, 2) as amount,
    bool_or(unpriced)::integer as unpriced,
    (((2000000 * sum(seat_days * (377580 // length))::hugeint + 377580) // 755160)::decimal(38, 0)
      * 0.000001)::decimal(38, 6) as seat_months
  from months join subjects using (subject) group by subject, client, product, direction, currency
) to $result (header true);
"""


def main() -> None:
    entitlements, billing, result = sys.argv[1:]
    watch = Stopwatch()
    database = duckdb.connect(config={"threads": 2})
    database.execute("set preserve_insertion_order = false")
    named = {"$entitlements": entitlements, "$billing": billing, "$result": result}
    statements = STATEMENTS
    for name, path in named.items():
        statements = statements.replace(name, "'" + path.replace("'", "''") + "'")
    database.execute(statements)
    watch.stop()
    watch.tell(of_file(Path(result)))


if __name__ == "__main__":
    main()
