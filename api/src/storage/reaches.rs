//! How far each file tells of each client: tables `import_reaches` and `import_reaches_made`.

use super::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::FromRow;
use uuid::Uuid;

/// An import whose reach has not been made yet.
#[derive(Clone, Debug, FromRow)]
pub struct PendingImport {
    /// Its id.
    pub id: Uuid,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// Day of the snapshot, for files that are one.
    pub snapshot_on: Option<NaiveDate>,
    /// First day the file says it covers.
    pub stated_from: Option<NaiveDate>,
    /// Day after the last day the file says it covers.
    pub stated_until: Option<NaiveDate>,
}

/// Completed imports whose reach has not been made yet, oldest first.
pub async fn pending(tx: &mut OrgTx) -> Result<Vec<PendingImport>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, created_at, snapshot_on, stated_from, stated_until
         from imports i
         where org_id = $1 and status = 'completed'
           and not exists (select from import_reaches_made m where m.org_id = i.org_id and m.import_id = i.id)
         order by learned",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// The days that rows of a file speak of, each once.
#[derive(Clone, Debug, FromRow)]
pub struct HeldRow {
    /// The client, as the file names it.
    pub client_ref: Uuid,
    /// `entitlement`, `billing` or `cost`.
    pub side: String,
    /// Whether they are of a snapshot: then `from_day` is its day, if the file states one.
    pub snapshot: bool,
    /// First day.
    pub from_day: Option<NaiveDate>,
    /// Day after the last one; none: still so.
    pub until_day: Option<NaiveDate>,
}

/// The days that the rows of an import speak of. As audits take them: a line that charges once lasts one
/// cycle, and of vendor charges only those of licences tell of seats.
pub async fn held(tx: &mut OrgTx, import: Uuid) -> Result<Vec<HeldRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select distinct client_ref, 'entitlement' as side, snapshot, held_from as from_day, held_until as until_day
         from entitlements
         where org_id = $1 and import_id = $2
         union all
         select distinct client_ref, 'billing', false, span_from,
                case when span_until is not null then span_until
                     when recurring and line_type = 'regular' then null
                     else (span_from + case cycle when 'monthly' then interval '1 month'
                                                  when 'quarterly' then interval '3 months'
                                                  when 'annual' then interval '12 months'
                                                  else interval '36 months' end)::date
                end
         from billing_lines
         where org_id = $1 and import_id = $2
         union all
         select distinct client_ref, 'cost', false, span_from, span_until
         from vendor_charges
         where org_id = $1 and import_id = $2 and kind = 'licence'",
    )
    .bind(org)
    .bind(import)
    .fetch_all(tx.conn())
    .await?)
}

/// How far a file tells of a client on one side.
#[derive(Clone, Copy, Debug)]
pub struct NewReach {
    /// The client, as the file names it.
    pub client_ref: Uuid,
    /// `entitlement`, `billing` or `cost`.
    pub side: &'static str,
    /// First day; none: a snapshot.
    pub first_day: Option<NaiveDate>,
    /// Day after the last one; none: still so.
    pub until_day: Option<NaiveDate>,
    /// Last day of which it can have known.
    pub through_day: NaiveDate,
}

/// Keeps an import's reach.
pub async fn insert(
    tx: &mut OrgTx,
    import: Uuid,
    reaches: &[NewReach],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into import_reaches (org_id, import_id, client_ref, side, first_day, until_day, through_day)
         select $1, $2, n.client_ref, n.side, n.first_day, n.until_day, n.through_day
         from unnest($3::uuid[], $4::text[], $5::date[], $6::date[], $7::date[])
           as n (client_ref, side, first_day, until_day, through_day)",
    )
    .bind(org)
    .bind(import)
    .bind(reaches.iter().map(|reach| reach.client_ref).collect::<Vec<_>>())
    .bind(reaches.iter().map(|reach| reach.side).collect::<Vec<_>>())
    .bind(reaches.iter().map(|reach| reach.first_day).collect::<Vec<_>>())
    .bind(reaches.iter().map(|reach| reach.until_day).collect::<Vec<_>>())
    .bind(reaches.iter().map(|reach| reach.through_day).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    sqlx::query("insert into import_reaches_made (org_id, import_id, made_at) values ($1, $2, $3)")
        .bind(org)
        .bind(import)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How far a file tells of a client.
#[derive(Clone, Debug, FromRow)]
pub struct ReachRow {
    /// The client.
    pub client_id: Uuid,
    /// The import.
    pub import_id: Uuid,
    /// Its format.
    pub format: Option<String>,
    /// `entitlement`, `billing` or `cost`.
    pub side: String,
    /// First day; none: a snapshot.
    pub first_day: Option<NaiveDate>,
    /// Day after the last one; none: still so.
    pub until_day: Option<NaiveDate>,
    /// Last day of which it can have known.
    pub through_day: NaiveDate,
}

/// What the completed imports tell of clients that goes at least as far as a day.
pub async fn since(tx: &mut OrgTx, day: NaiveDate) -> Result<Vec<ReachRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select c.client_id, r.import_id, i.format, r.side, r.first_day, r.until_day, r.through_day
         from import_reaches r
         join imports i on i.org_id = r.org_id and i.id = r.import_id
         join client_refs c on c.org_id = r.org_id and c.id = r.client_ref
         where r.org_id = $1 and r.through_day >= $2 and i.status = 'completed'
         order by i.learned, r.client_ref, r.side",
    )
    .bind(org)
    .bind(day)
    .fetch_all(tx.conn())
    .await?)
}
