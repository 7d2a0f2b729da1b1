//! The gaps that the audits of cycles showed, month by month: tables `cycle_gaps` and `cycle_gap_states`.

use super::{OrgTx, StorageError, compared};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::FromRow;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A gap that an audit of a month shows.
#[derive(Clone, Debug)]
pub struct SeenGap {
    /// Which gap.
    pub gap_id: String,
    /// Whose.
    pub client_id: Uuid,
}

/// Notes the gaps that an audit of a month shows. When one was found first is the time of the first audit,
/// of whatever period, that showed it in this month.
pub async fn see(
    tx: &mut OrgTx,
    month: NaiveDate,
    month_text: &str,
    seen: &[SeenGap],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let ids: Vec<&str> = seen.iter().map(|gap| gap.gap_id.as_str()).collect();
    sqlx::query(
        "update cycle_gaps
         set present = true
         where org_id = $1 and month = $2 and gap_id = any($3) and not present",
    )
    .bind(org)
    .bind(month)
    .bind(&ids)
    .execute(tx.conn())
    .await?;
    // What earlier audits found is looked through for those that are new in the month only.
    sqlx::query(
        "insert into cycle_gaps (org_id, month, gap_id, client_id, found_at, present)
         select $1, $2, n.gap_id, n.client_id,
                least($4, (select min(a.completed_at)
                           from audits a
                           join audit_gaps f on f.org_id = a.org_id and f.audit_id = a.id
                                            and f.client_key = any(g.client_keys) and f.gap_id = n.gap_id
                           where a.org_id = $1 and a.status = 'completed'
                             and a.from_month <= $2 and $2 <= a.to_month
                             and exists (select from json_array_elements(f.detail -> 'months') m
                                         where m ->> 'month' = $3))),
                true
         from unnest($5::text[], $6::uuid[]) as n (gap_id, client_id)
         join gaps g on g.org_id = $1 and g.id = n.gap_id
         left join cycle_gaps known on known.org_id = $1 and known.month = $2 and known.gap_id = n.gap_id
         where known.gap_id is null",
    )
    .bind(org)
    .bind(month)
    .bind(month_text)
    .bind(now)
    .bind(&ids)
    .bind(seen.iter().map(|gap| gap.client_id).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that the last audit of a month does not show these gaps any more.
pub async fn unsee(tx: &mut OrgTx, month: NaiveDate, gaps: &[String]) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update cycle_gaps set present = false where org_id = $1 and month = $2 and gap_id = any($3)",
    )
    .bind(org)
    .bind(month)
    .bind(gaps)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A gap of a client that is known: what was announced of it, and whether the month shows it so far.
#[derive(Clone, Debug, FromRow)]
pub struct KnownGap {
    /// Which gap.
    pub gap_id: String,
    /// Whose.
    pub client_id: Uuid,
    /// The product, as the last audit names it.
    pub product: String,
    /// `under` or `over`.
    pub direction: String,
    /// `open` or `closed`.
    pub state: String,
}

/// What was announced of the gaps of these clients.
pub async fn known(tx: &mut OrgTx, clients: &[Uuid]) -> Result<Vec<KnownGap>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select s.gap_id, s.client_id, g.product, g.direction, s.state
         from cycle_gap_states s
         join gaps g on g.org_id = s.org_id and g.id = s.gap_id
         where s.org_id = $1 and s.client_id = any($2)
         order by s.gap_id",
    )
    .bind(org)
    .bind(clients)
    .fetch_all(tx.conn())
    .await?)
}

/// Keeps what was announced: gap, client, state.
pub async fn announce(
    tx: &mut OrgTx,
    states: &[(String, Uuid, &'static str)],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into cycle_gap_states (org_id, gap_id, client_id, state, updated_at)
         select $1, n.gap_id, n.client_id, n.state, $2
         from unnest($3::text[], $4::uuid[], $5::text[]) as n (gap_id, client_id, state)
         on conflict (org_id, gap_id) do update
         set client_id = excluded.client_id, state = excluded.state, updated_at = excluded.updated_at",
    )
    .bind(org)
    .bind(now)
    .bind(states.iter().map(|(gap, _, _)| gap.clone()).collect::<Vec<_>>())
    .bind(states.iter().map(|(_, client, _)| *client).collect::<Vec<_>>())
    .bind(states.iter().map(|(_, _, state)| *state).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Those of these clients of which a month later than this one has been compared.
pub async fn compared_later(
    tx: &mut OrgTx,
    month: NaiveDate,
    clients: &[Uuid],
) -> Result<BTreeSet<Uuid>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<Uuid> = sqlx::query_scalar(
        "select distinct client_id
         from cycle_clients
         where org_id = $1 and client_id = any($3) and month > $2 and audited_at is not null",
    )
    .bind(org)
    .bind(month)
    .bind(clients)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

/// Those of these clients of which any audit has compared a month later than theirs.
pub async fn known_later(
    tx: &mut OrgTx,
    months: &[(Uuid, NaiveDate)],
) -> Result<BTreeSet<Uuid>, StorageError> {
    let keys: Vec<String> = months.iter().map(|(client, _)| client.to_string()).collect();
    let known = compared::last_months(tx, &keys).await?;
    let later = months
        .iter()
        .zip(&keys)
        .filter(|((_, month), key)| known.get(*key).is_some_and(|last| last.first_day() > *month));
    Ok(later.map(|((client, _), _)| *client).collect())
}
