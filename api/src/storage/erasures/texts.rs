//! Names in what people wrote: letters, to whom they went, what corrections say of whom. A name is replaced where it
//! stands; the rest of the text stays.

use crate::storage::corrections;
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use leakage_core::id::{ClientId, CorrectionId};
use leakage_core::person::Named;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How much was rewritten, by kind; and the writings of clients that are kept: correction and number.
#[derive(Clone, Debug, Default)]
pub struct Rewritten {
    /// Rows by kind.
    pub rows: BTreeMap<&'static str, u64>,
    /// Writings whose file may name the person.
    pub writings: Vec<(Uuid, i32)>,
}

/// A table whose texts may name persons. Both statements have the organization as `$1`; `read` answers key, texts and
/// JSON documents of each row as arrays of text; `write` takes them as `$2`, `$3` and `$4`, and the time as `$5`.
struct Place {
    name: &'static str,
    read: &'static str,
    write: &'static str,
}

/// Places in which rows are only ever added, or changed in other columns: so what was read is what is replaced.
const PLACES: &[Place] = &[
    Place {
        name: "letters",
        read: "select array[id::text], array[subject, body_text, body_html], array[sections::text, facts::text]
               from letters
               where org_id = $1",
        write: "update letters
                set subject = left(($3::text[])[1], 2000), body_text = ($3::text[])[2], body_html = ($3::text[])[3],
                    sections = ($4::text[])[1]::json, facts = ($4::text[])[2]::json, erased_at = $5
                where org_id = $1 and id = ($2::text[])[1]::uuid",
    },
    Place {
        name: "deliveries",
        read: "select array[id::text], array[recipient], array[]::text[] from deliveries where org_id = $1",
        write: "update deliveries
                set recipient = left(($3::text[])[1], 320)
                where org_id = $1 and id = ($2::text[])[1]::uuid and $4::text[] is not null and $5::timestamptz is not null",
    },
    Place {
        name: "deliveries",
        read: "select array[delivery_id::text, position::text], array[detail], array[]::text[]
               from delivery_attempts
               where org_id = $1 and detail is not null",
        write: "update delivery_attempts
                set detail = left(($3::text[])[1], 1000)
                where org_id = $1 and delivery_id = ($2::text[])[1]::uuid and position = ($2::text[])[2]::int
                  and $4::text[] is not null and $5::timestamptz is not null",
    },
    Place {
        name: "corrections",
        read: "select array[correction_id::text, number::text], array[file_name, said_by], array[]::text[]
               from correction_confirmations
               where org_id = $1",
        write: "update correction_confirmations
                set file_name = left(($3::text[])[1], 300), said_by = left(($3::text[])[2], 300)
                where org_id = $1 and correction_id = ($2::text[])[1]::uuid and number = ($2::text[])[2]::int
                  and $4::text[] is not null and $5::timestamptz is not null",
    },
    Place {
        name: "corrections",
        read: "select array[correction_id::text, number::text], array[said_by], array[]::text[]
               from correction_disputes
               where org_id = $1",
        write: "update correction_disputes
                set said_by = left(($3::text[])[1], 300)
                where org_id = $1 and correction_id = ($2::text[])[1]::uuid and number = ($2::text[])[2]::int
                  and $4::text[] is not null and $5::timestamptz is not null",
    },
    Place {
        name: "ledger",
        read: "select array[correction_id::text, seq::text], array[reason, document, actor], array[]::text[]
               from correction_entries
               where org_id = $1",
        write: "update correction_entries
                set reason = left(($3::text[])[1], 2000), document = left(($3::text[])[2], 500), actor = ($3::text[])[3]
                where org_id = $1 and correction_id = ($2::text[])[1]::uuid and seq = ($2::text[])[2]::int
                  and $4::text[] is not null and $5::timestamptz is not null",
    },
    Place {
        name: "corrections",
        read: "select array[correction_id::text, number::text], array[reason], array[]::text[]
               from correction_waivers
               where org_id = $1",
        write: "update correction_waivers
                set reason = left(($3::text[])[1], 2000)
                where org_id = $1 and correction_id = ($2::text[])[1]::uuid and number = ($2::text[])[2]::int
                  and $4::text[] is not null and $5::timestamptz is not null",
    },
    Place {
        name: "corrections",
        read: "select array[correction_id::text, number::text], array[entered_by], array[]::text[]
               from correction_receipts
               where org_id = $1 and entered_by is not null",
        write: "update correction_receipts
                set entered_by = left(($3::text[])[1], 300)
                where org_id = $1 and correction_id = ($2::text[])[1]::uuid and number = ($2::text[])[2]::int
                  and $4::text[] is not null and $5::timestamptz is not null",
    },
    Place {
        name: "corrections",
        read: "select array[correction_id::text, version::text], array[]::text[], array[facts]
               from correction_frozen_facts
               where org_id = $1",
        write: "update correction_frozen_facts
                set facts = ($4::text[])[1], erased_at = $5
                where org_id = $1 and correction_id = ($2::text[])[1]::uuid and version = ($2::text[])[2]::bigint
                  and $3::text[] is not null",
    },
    Place {
        name: "corrections",
        read: "select array[bundle_id::text], array[]::text[], array[correction::text]
               from evidence_bundle_facts
               where org_id = $1",
        write: "update evidence_bundle_facts
                set correction = ($4::text[])[1]::json
                where org_id = $1 and bundle_id = ($2::text[])[1]::uuid and $3::text[] is not null
                  and $5::timestamptz is not null",
    },
    Place {
        name: "refused_rows",
        read: "select array[import_id::text, position::text], array[value], array[]::text[]
               from import_errors
               where org_id = $1 and value is not null",
        write: "update import_errors
                set value = ($3::text[])[1]
                where org_id = $1 and import_id = ($2::text[])[1]::uuid and position = ($2::text[])[2]::int
                  and $4::text[] is not null and $5::timestamptz is not null",
    },
];

/// The timeline, once what the log said of its entries is erased.
const TIMELINE: Place = Place {
    name: "timeline",
    read: "select array[correction_id::text, seq::text], array[actor, reason], array[detail::text]
           from correction_timeline
           where org_id = $1",
    write: "update correction_timeline
            set actor = ($3::text[])[1], reason = left(($3::text[])[2], 2000), detail = ($4::text[])[1]::json
            where org_id = $1 and correction_id = ($2::text[])[1]::uuid and seq = ($2::text[])[2]::bigint
              and $5::timestamptz is not null",
};

/// A row's key, its texts and its documents.
type Row = (Vec<String>, Vec<Option<String>>, Vec<Option<String>>);

/// What comes from where the person acted, and tells who it was.
const TRACES: [&str; 2] = ["network", "user_agent"];

/// The row with the names replaced; none: it names nobody.
fn rewritten(
    (key, mut texts, mut documents): Row,
    person: &Named,
    word: &str,
) -> Result<Option<Row>, StorageError> {
    let (mut found, mut acted) = (false, false);
    for (place, text) in texts.iter_mut().enumerate() {
        if let Some(replaced) = text.as_deref().and_then(|text| person.replaced(text, word)) {
            *text = Some(replaced);
            found = true;
            acted |= place == 0;
        }
    }
    for document in documents.iter_mut().flatten() {
        let mut json: Value =
            serde_json::from_str(document).map_err(|_| StorageError::Corrupt { column: "a document" })?;
        let mut changed = person.replace_in(&mut json, word);
        if let Some(members) = json.as_object_mut().filter(|_| acted) {
            for trace in TRACES {
                changed |= members.remove(trace).is_some();
            }
        }
        if changed {
            *document = json.to_string();
            found = true;
        }
    }
    Ok(found.then_some((key, texts, documents)))
}

async fn rewrite(
    tx: &mut OrgTx,
    place: &Place,
    (person, word): (&Named, &str),
    now: DateTime<Utc>,
) -> Result<Vec<Vec<String>>, StorageError> {
    let org = tx.org().uuid();
    let mut changed: Vec<Row> = Vec::new();
    let mut rows = sqlx::query_as::<_, Row>(place.read).bind(org).fetch(tx.conn());
    while let Some(row) = rows.try_next().await? {
        changed.extend(rewritten(row, person, word)?);
    }
    drop(rows);
    let mut keys = Vec::with_capacity(changed.len());
    for (key, texts, documents) in changed {
        sqlx::query(place.write)
            .bind(org)
            .bind(&key)
            .bind(texts)
            .bind(documents)
            .bind(now)
            .execute(tx.conn())
            .await?;
        keys.push(key);
    }
    Ok(keys)
}

/// Replaces the person in all texts but those of corrections and timelines.
pub async fn rewrite_texts(
    tx: &mut OrgTx,
    (person, word): (&Named, &str),
    now: DateTime<Utc>,
) -> Result<Rewritten, StorageError> {
    let mut out = Rewritten::default();
    for place in PLACES {
        let keys = rewrite(tx, place, (person, word), now).await?;
        *out.rows.entry(place.name).or_default() += keys.len() as u64;
        if place.read.contains("correction_confirmations") {
            out.writings.extend(keys.iter().filter_map(|key| {
                let [correction, number] = key.as_slice() else { return None };
                Some((correction.parse().ok()?, number.parse().ok()?))
            }));
        }
    }
    let contacts = contacts(tx, person, word).await?;
    out.rows.insert("contacts", contacts);
    Ok(out)
}

/// Replaces the person in the timelines. What the log said of these entries must be erased before.
pub async fn rewrite_timeline(
    tx: &mut OrgTx,
    (person, word): (&Named, &str),
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    Ok(rewrite(tx, &TIMELINE, (person, word), now).await?.len() as u64)
}

/// Replaces the person in what corrections say. Each is read again under its lock, for commands change it.
pub async fn rewrite_corrections(
    tx: &mut OrgTx,
    (person, word): (&Named, &str),
) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let mut rows = sqlx::query_as::<_, (Uuid, Value)>(
        "select id, conversation from corrections where org_id = $1 order by id",
    )
    .bind(org)
    .fetch(tx.conn());
    let mut named = Vec::new();
    while let Some((id, conversation)) = rows.try_next().await? {
        if person.stands_in_json(&conversation) {
            named.push(id);
        }
    }
    drop(rows);
    let mut count = 0;
    for id in named {
        corrections::lock(tx, CorrectionId::new(id)).await?;
        let mut conversation: Value =
            sqlx::query_scalar("select conversation from corrections where org_id = $1 and id = $2")
                .bind(org)
                .bind(id)
                .fetch_one(tx.conn())
                .await?;
        if !person.replace_in(&mut conversation, word) {
            continue;
        }
        sqlx::query("update corrections set conversation = $3::text::json where org_id = $1 and id = $2")
            .bind(org)
            .bind(id)
            .bind(conversation.to_string())
            .execute(tx.conn())
            .await?;
        count += 1;
    }
    Ok(count)
}

/// What else registered contacts of the person's name or address go by.
pub async fn aliases(tx: &mut OrgTx, person: &Named) -> Result<Vec<String>, StorageError> {
    let mut found = Vec::new();
    for (_, _, name, email) in all_contacts(tx).await? {
        if person.is(&name) || person.is(&email) {
            found.extend([name, email]);
        }
    }
    Ok(found)
}

/// The clients whose registered contact is the person.
pub async fn current_contacts(tx: &mut OrgTx, person: &Named) -> Result<Vec<ClientId>, StorageError> {
    let mut last: BTreeMap<Uuid, (i32, bool)> = BTreeMap::new();
    let org = tx.org().uuid();
    let rows: Vec<(Uuid, i32, Option<String>, Option<String>)> =
        sqlx::query_as("select client_id, version, name, email from client_contacts where org_id = $1")
            .bind(org)
            .fetch_all(tx.conn())
            .await?;
    for (client, version, name, email) in rows {
        let is = [name, email].iter().flatten().any(|text| person.is(text));
        let own = last.entry(client).or_insert((version, is));
        if version >= own.0 {
            *own = (version, is);
        }
    }
    Ok(last.into_iter().filter(|(_, (_, is))| *is).map(|(client, _)| ClientId::new(client)).collect())
}

/// Client, version, name and address of every contact that there was.
async fn all_contacts(tx: &mut OrgTx) -> Result<Vec<(Uuid, i32, String, String)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select client_id, version, name, email
         from client_contacts
         where org_id = $1 and email is not null and email not like 'erased-%'",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Name and address go together: who is erased by one is erased by the other.
async fn contacts(tx: &mut OrgTx, person: &Named, word: &str) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let mut count = 0;
    for (client, version, name, email) in all_contacts(tx).await? {
        if !person.stands_in(&name) && !person.stands_in(&email) {
            continue;
        }
        sqlx::query(
            "update client_contacts set name = $4, email = $4 where org_id = $1 and client_id = $2 and version = $3",
        )
        .bind(org)
        .bind(client)
        .bind(version)
        .bind(word)
        .execute(tx.conn())
        .await?;
        count += 1;
    }
    Ok(count)
}
