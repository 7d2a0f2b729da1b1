//! What an audit says about the months of gaps, weighed with what earlier ones said, in the transaction that
//! completes it: what it found, what it compared and found equal, and, of gaps that nobody knew before, what
//! other audits had compared without finding them.

use crate::error::ApiError;
use crate::storage::compared::{self, AuditWords};
use crate::storage::gaps::{self, NewGap};
use crate::storage::known_gaps::{self, GapIdentity};
use crate::storage::{OrgTx, gap_histories};
use chrono::{DateTime, Utc};
use leakage_core::audit::{AuditDocument, Gap};
use leakage_core::history::{self, ComparedClient, MonthHistory, Said, Word};
use leakage_core::id::AuditId;
use leakage_core::matching::fold;
use leakage_core::period::Month;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Which client a name of a document is: its resource where it has one, else the folded name.
pub(super) fn client_key(ids: &HashMap<String, Uuid>, name: &str) -> String {
    let folded = fold(name);
    ids.get(&folded).map_or(folded, Uuid::to_string)
}

/// An audit that is about to be stored.
#[derive(Debug)]
pub struct Completed<'a> {
    /// Its id.
    pub id: AuditId,
    /// What it knew.
    pub known_at: DateTime<Utc>,
    /// Its document.
    pub document: &'a AuditDocument,
    /// Its gaps, in the document's order.
    pub found: &'a [Gap],
    /// The same as they are stored.
    pub rows: &'a [NewGap],
    /// The clients' resources by folded name.
    pub client_ids: &'a HashMap<String, Uuid>,
}

/// Stores the gaps of an audit and what it says of all known gaps of the clients that it compared.
pub async fn record(tx: &mut OrgTx, audit: &Completed<'_>, now: DateTime<Utc>) -> Result<(), ApiError> {
    gaps::lock(tx).await?;
    fold_keys(tx).await?;
    let clients = history::compared(audit.document, |name| client_key(audit.client_ids, name));
    let keys: Vec<String> = clients.keys().cloned().collect();
    let found_ids: Vec<String> = audit.rows.iter().map(|row| row.id.clone()).collect();
    let before = known_gaps::identities(tx, &keys, &found_ids).await?;
    gaps::insert(tx, audit.id, audit.rows, audit.known_at, now).await?;
    let resource = |(key, client): (&String, &ComparedClient)| {
        Some((key.clone(), *audit.client_ids.get(&fold(&client.client))?))
    };
    let client_ids: BTreeMap<String, Uuid> = clients.iter().filter_map(resource).collect();
    let compared =
        AuditWords { audit: audit.id, known_at: audit.known_at, clients: &clients, client_ids: &client_ids };
    compared::insert(tx, &compared).await?;
    let (known, news) = known(audit, before);
    let mut words = Words::default();
    words.found(audit)?;
    words.equal(audit, &known, &clients);
    words.of_others(tx, audit.id, &news).await?;
    words.weigh(tx).await
}

/// A gap that this audit is the first to tell of, or whose beginning it moves.
struct News {
    gap: GapIdentity,
    from: Month,
    /// What was known before begins here; none: nothing was.
    until: Option<Month>,
}

/// Folds the names of gaps that have keys of SQL's making, as those of other gaps are folded.
async fn fold_keys(tx: &mut OrgTx) -> Result<(), ApiError> {
    let gaps = gaps::unfolded(tx).await?.into_iter();
    let keys = gaps.map(|gap| {
        let client = gap.client_id.map_or_else(|| fold(&gap.client), |id| id.to_string());
        (gap.id, client, fold(&gap.product))
    });
    Ok(gaps::set_keys(tx, &keys.collect::<Vec<_>>()).await?)
}

/// All gaps that the audit can say something of, with their first months as known now; and the news.
fn known(audit: &Completed<'_>, before: Vec<GapIdentity>) -> (Vec<GapIdentity>, Vec<News>) {
    let mut known: BTreeMap<String, GapIdentity> =
        before.into_iter().map(|gap| (gap.id.clone(), gap)).collect();
    let mut news = Vec::new();
    for row in audit.rows {
        let Some(first) = row.first_month else { continue };
        let old = known.get(&row.id).and_then(|gap| gap.first_month);
        let gap = GapIdentity {
            id: row.id.clone(),
            client_key: row.client_key.clone(),
            product_key: row.product_key.clone(),
            first_month: Some(old.map_or(first, |old| old.min(first))),
        };
        if old.is_none_or(|old| first < old) {
            news.push(News { gap: gap.clone(), from: Month::of(first), until: old.map(Month::of) });
        }
        known.insert(row.id.clone(), gap);
    }
    (known.into_values().collect(), news)
}

/// Words by gap.
#[derive(Default)]
struct Words(BTreeMap<String, Vec<Word>>);

impl Words {
    fn found(&mut self, audit: &Completed<'_>) -> Result<(), ApiError> {
        for gap in audit.found {
            let words = history::words(gap, audit.id, audit.known_at).map_err(ApiError::internal)?;
            self.0.insert(gap.id.clone(), words);
        }
        Ok(())
    }

    /// Months from a gap's first one on that this audit compared without finding it.
    fn equal(
        &mut self,
        audit: &Completed<'_>,
        known: &[GapIdentity],
        clients: &BTreeMap<String, ComparedClient>,
    ) {
        for gap in known {
            let (Some(client), Some(first)) = (clients.get(&gap.client_key), gap.first_month) else {
                continue;
            };
            let words = self.0.entry(gap.id.clone()).or_default();
            let found: BTreeSet<Month> = words.iter().map(|word| word.month).collect();
            for month in client.months.range(Month::of(first)..).map(|(month, _)| *month) {
                let Some(compared) = client.product(&gap.product_key, month) else { continue };
                if !found.contains(&month) {
                    let said = Said { closed: compared.closed, known_at: audit.known_at, audit: audit.id };
                    words.push(Word { month, said, difference: None });
                }
            }
        }
    }

    /// Months that other audits had compared without finding the gap, when nobody asked about it yet.
    async fn of_others(&mut self, tx: &mut OrgTx, audit: AuditId, news: &[News]) -> Result<(), ApiError> {
        if news.is_empty() {
            return Ok(());
        }
        let mut by_client: BTreeMap<&str, Vec<&News>> = BTreeMap::new();
        for one in news {
            by_client.entry(&one.gap.client_key).or_default().push(one);
        }
        let keys: Vec<String> = by_client.keys().map(|key| (*key).to_owned()).collect();
        for row in compared::of_others(tx, audit, &keys).await? {
            let client = row.client()?;
            for one in by_client.get(row.client_key.as_str()).into_iter().flatten() {
                let untold = client.months.range(one.from..).map(|(month, _)| *month);
                let untold = untold.filter(|month| one.until.is_none_or(|until| *month < until));
                let words = self.0.entry(one.gap.id.clone()).or_default();
                words.extend(untold.filter_map(|month| {
                    let said = row.said(&client, &one.gap.product_key, month)?;
                    Some(Word { month, said, difference: None })
                }));
            }
        }
        Ok(())
    }

    /// Weighs them with what is known, and keeps the outcome.
    async fn weigh(self, tx: &mut OrgTx) -> Result<(), ApiError> {
        let ids: Vec<String> = self.0.keys().cloned().collect();
        let mut known = gap_histories::of_gaps(tx, &ids).await?;
        for (gap, words) in &self.0 {
            let months = known.entry(gap.clone()).or_default();
            for word in words {
                let heard = months.entry(word.month);
                heard.and_modify(|month| month.hear(word)).or_insert_with(|| MonthHistory::new(word));
            }
        }
        let spoken_of = self.0.iter().filter(|(_, words)| !words.is_empty());
        let outcome: Vec<_> =
            spoken_of.filter_map(|(gap, _)| Some((gap.as_str(), known.get(gap)?))).collect();
        Ok(gap_histories::keep(tx, &outcome).await?)
    }
}
