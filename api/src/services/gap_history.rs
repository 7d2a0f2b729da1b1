//! What an audit says about the months of gaps, weighed with what earlier ones said, in the transaction that
//! completes it: what it found, what it compared and found equal, and, of gaps that nobody knew before, what
//! other audits had compared without finding them.

use crate::error::ApiError;
use crate::storage::compared::{self, AuditWords};
use crate::storage::gap_histories::{self, StoredHistories, Weighed};
use crate::storage::gaps::{self, NewGap, SeenGap};
use crate::storage::known_gaps::{self, GapIdentity};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::audit::AuditDocument;
use leakage_core::history::{self, ComparedClient, MonthHistory, Said, Word};
use leakage_core::id::AuditId;
use leakage_core::matching::fold;
use leakage_core::period::Month;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
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
    /// Its gaps, in the document's order, as they are stored.
    pub rows: Arc<Vec<NewGap>>,
    /// The clients' resources by folded name.
    pub client_ids: &'a HashMap<String, Uuid>,
}

/// Stores the gaps of an audit and what it says of all known gaps of the clients that it compared. `found`: what it
/// says of its own gaps, in their order.
///
/// Of 20,000 gaps much is to be said: that is done beside what the database does meanwhile.
pub async fn record(
    tx: &mut OrgTx,
    audit: &Completed<'_>,
    found: Vec<Vec<Word>>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    gaps::lock(tx).await?;
    fold_keys(tx).await?;
    let clients = Arc::new(history::compared(audit.document, |name| client_key(audit.client_ids, name)));
    let keys: Vec<String> = clients.keys().cloned().collect();
    let found_ids: Vec<String> = audit.rows.iter().map(|row| row.id.clone()).collect();
    let before = known_gaps::identities(tx, &keys, &found_ids).await?;
    let knew_more = |gap: &&GapIdentity| gap.last_known_at.is_some_and(|known_at| known_at > audit.known_at);
    let told_by_others: HashSet<String> = before.iter().filter(knew_more).map(|gap| gap.id.clone()).collect();
    let saying = {
        let (audit, rows, clients) =
            ((audit.id, audit.known_at), Arc::clone(&audit.rows), Arc::clone(&clients));
        tokio::task::spawn_blocking(move || Words::of(audit, &rows, found, before, &clients))
    };
    let findings = gaps::insert_findings(tx, audit.id, &audit.rows).await?;
    let (mut words, news) = saying.await.map_err(ApiError::internal)?;
    words.of_others(tx, audit.id, &news).await?;
    let stored = StoredHistories::load(tx, &words.gaps()).await?;
    let weighing = tokio::task::spawn_blocking(move || words.weigh(stored));
    let resource = |(key, client): (&String, &ComparedClient)| {
        Some((key.clone(), *audit.client_ids.get(&fold(&client.client))?))
    };
    let client_ids: BTreeMap<String, Uuid> = clients.iter().filter_map(resource).collect();
    let compared =
        AuditWords { audit: audit.id, known_at: audit.known_at, clients: &clients, client_ids: &client_ids };
    compared::insert(tx, &compared).await?;
    let mut weighed = weighing.await.map_err(ApiError::internal)??;
    let histories: Vec<Option<String>> = audit.rows.iter().map(|row| weighed.remove(&row.id)).collect();
    let (mut seen, mut others) = (Vec::new(), Vec::new());
    for ((gap, history), findings) in audit.rows.iter().zip(&histories).zip(findings) {
        let history = history.as_deref();
        if told_by_others.contains(&gap.id) {
            let client_key = Some(gap.client_key.as_str());
            others.push(Weighed { gap: &gap.id, first_month: gap.first_month, client_key, history });
        } else {
            seen.push(SeenGap { gap, findings, history });
        }
    }
    // And of gaps that it did not find.
    others.extend(weighed.iter().map(|(gap, history)| Weighed {
        gap,
        first_month: None,
        client_key: None,
        history: Some(history),
    }));
    gaps::keep(tx, audit.id, &seen, audit.known_at, now).await?;
    Ok(gap_histories::keep(tx, &others).await?)
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
fn known(
    known_at: DateTime<Utc>,
    rows: &[NewGap],
    before: Vec<GapIdentity>,
) -> (HashMap<String, GapIdentity>, Vec<News>) {
    let mut known: HashMap<String, GapIdentity> =
        before.into_iter().map(|gap| (gap.id.clone(), gap)).collect();
    let mut news = Vec::new();
    for row in rows {
        let Some(first) = row.first_month else { continue };
        let old = known.get(&row.id).and_then(|gap| gap.first_month);
        let gap = GapIdentity {
            id: row.id.clone(),
            client_key: row.client_key.clone(),
            product_key: row.product_key.clone(),
            first_month: Some(old.map_or(first, |old| old.min(first))),
            last_known_at: Some(known_at),
        };
        if old.is_none_or(|old| first < old) {
            news.push(News { gap: gap.clone(), from: Month::of(first), until: old.map(Month::of) });
        }
        known.insert(row.id.clone(), gap);
    }
    (known, news)
}

/// Words by gap.
struct Words(HashMap<String, Vec<Word>>);

impl Words {
    /// What an audit says: of its own gaps, and of those of its clients that it did not find. And the news.
    fn of(
        (audit, known_at): (AuditId, DateTime<Utc>),
        rows: &[NewGap],
        found: Vec<Vec<Word>>,
        before: Vec<GapIdentity>,
        clients: &BTreeMap<String, ComparedClient>,
    ) -> (Self, Vec<News>) {
        let (known, news) = known(known_at, rows, before);
        let mut words = Self(rows.iter().map(|row| row.id.clone()).zip(found).collect());
        for gap in known.values() {
            if let (Some(client), Some(first)) = (clients.get(&gap.client_key), gap.first_month) {
                let said = |closed| Said { closed, known_at, audit };
                words.equal(gap, client, Month::of(first), said);
            }
        }
        (words, news)
    }

    /// Months from a gap's first one on that the audit compared without finding it.
    fn equal(
        &mut self,
        gap: &GapIdentity,
        client: &ComparedClient,
        first: Month,
        said: impl Fn(bool) -> Said,
    ) {
        let words = self.0.entry(gap.id.clone()).or_default();
        let found: BTreeSet<Month> = words.iter().map(|word| word.month).collect();
        for month in client.months.range(first..).map(|(month, _)| *month) {
            let Some(compared) = client.product(&gap.product_key, month) else { continue };
            if !found.contains(&month) {
                words.push(Word { month, said: said(compared.closed), difference: None });
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

    /// The gaps that they speak of.
    fn gaps(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Weighs them with what is known: what is now known of each gap that they say something of, as it is stored.
    fn weigh(self, stored: StoredHistories) -> Result<HashMap<String, String>, StorageError> {
        let mut known = stored.into_months()?;
        let mut outcome = HashMap::with_capacity(self.0.len());
        for (gap, words) in self.0.into_iter().filter(|(_, words)| !words.is_empty()) {
            let mut months = known.remove(&gap).unwrap_or_default();
            for word in &words {
                let heard = months.entry(word.month);
                heard.and_modify(|month| month.hear(word)).or_insert_with(|| MonthHistory::new(word));
            }
            outcome.insert(gap, gap_histories::to_json(&months)?);
        }
        Ok(outcome)
    }
}
