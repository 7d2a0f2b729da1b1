//! Who holds a seat: from sources that list users with their products. Only to share seats over billing
//! entities; what is counted comes from entitlement rows.

use super::calendar::{Calendar, Day, Days, OPEN, day};
use super::identity::{self, ClientId, Identity, ProductId};
use super::input::{AllocateBy, Source};
use crate::matching::fold;
use crate::records::{Activity, ClientRef, Record};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One user's seat of a product, on the days for which its listing holds.
#[derive(Clone, Debug)]
pub(super) struct UserSeat {
    pub days: Days,
    domain: Option<String>,
    department: Option<String>,
    group: Option<String>,
}

impl UserSeat {
    fn of(row: &Activity, days: Days) -> Self {
        let domain = row.user.rsplit_once('@').map(|(_, domain)| domain.trim().to_lowercase());
        Self {
            days,
            domain,
            department: row.department.as_deref().map(fold),
            group: row.licence_group.as_deref().map(|group| group.trim().to_lowercase()),
        }
    }

    /// Whether an allocation speaks of this user.
    pub(super) fn fits(&self, by: &AllocateBy) -> bool {
        match by {
            AllocateBy::Group(group) => self.group.as_ref() == Some(&group.trim().to_lowercase()),
            AllocateBy::Department(name) => self.department.as_ref() == Some(&fold(name)),
            AllocateBy::Domain(domain) => self.domain.as_ref() == Some(&domain.trim().to_lowercase()),
            AllocateBy::Fixed(_) | AllocateBy::Rest => false,
        }
    }
}

/// The users of some clients, by product and the rank of the format that lists them.
#[derive(Debug, Default)]
pub(super) struct Users {
    seats: HashMap<(ClientId, ProductId), BTreeMap<u32, Vec<UserSeat>>>,
    /// Clients whose names a format conceals.
    concealed: BTreeSet<(ClientId, u32)>,
}

/// A listing's rows: whose, by which format, seen on which day, in which source.
type Listed<'a> = BTreeMap<(ClientId, u32), Vec<(Day, usize, &'a Activity)>>;

impl Users {
    /// Reads the users of these clients. A listing holds until the next one of its format, the first also
    /// backwards; of two of one day the newer file counts.
    pub(super) fn read(
        wanted: &BTreeSet<ClientId>,
        sources: &[&Source],
        ranks: &[u32],
        identity: &Identity,
        calendar: &Calendar,
    ) -> Self {
        let mut users = Self::default();
        for ((client, rank), rows) in listed(wanted, sources, ranks, identity, calendar) {
            let days: BTreeSet<Day> = rows.iter().map(|(on, ..)| *on).collect();
            let newest: HashMap<Day, usize> = rows.iter().map(|(on, source, _)| (*on, *source)).collect();
            for (on, source, row) in rows {
                let Some(product) = &row.product else { continue };
                if newest.get(&on) != Some(&source) {
                    continue;
                }
                if row.concealed {
                    users.concealed.insert((client, rank));
                }
                let first = days.first() == Some(&on);
                let from = if first { on.min(calendar.period.from) } else { on };
                let until = days.range(on.saturating_add(1)..).next().copied().unwrap_or(OPEN);
                let product = identity.product(product, on);
                let of_product = users.seats.entry((client, product)).or_default();
                of_product.entry(rank).or_default().push(UserSeat::of(row, Days { from, until }));
            }
        }
        users
    }

    /// Who holds seats of a product, by the format that counts them if it lists users, else by the first that
    /// does. `None` when no format lists users, or it conceals who they are.
    pub(super) fn of(
        &self,
        client: ClientId,
        product: ProductId,
        preferred: Option<u32>,
    ) -> Option<&[UserSeat]> {
        let formats = self.seats.get(&(client, product))?;
        let known = |rank: &u32| !self.concealed.contains(&(client, *rank));
        let own = preferred.filter(|rank| formats.contains_key(rank) && known(rank));
        let rank = own.or_else(|| formats.keys().copied().find(|rank| known(rank)))?;
        formats.get(&rank).map(Vec::as_slice)
    }
}

/// The rows that list users of these clients, the older source first.
fn listed<'a>(
    wanted: &BTreeSet<ClientId>,
    sources: &[&'a Source],
    ranks: &[u32],
    identity: &Identity,
    calendar: &Calendar,
) -> Listed<'a> {
    let mut listed = Listed::new();
    for (index, source) in sources.iter().enumerate() {
        let rank = ranks.get(index).copied().unwrap_or(u32::MAX);
        let alone = source.client.is_some() && identity::one_client(source);
        let mut known: HashMap<&ClientRef, ClientId> = HashMap::new();
        for sourced in &source.records {
            let Record::Activity(row) = &sourced.record else { continue };
            if row.deleted {
                continue;
            }
            let on = row.as_of.or(source.snapshot_on).map_or(calendar.period.from, day);
            let client = *known.entry(&row.client).or_insert_with(|| {
                identity.client(&identity::client_of(source, alone, &row.client), on.max(identity::BEGINNING))
            });
            if wanted.contains(&client) {
                listed.entry((client, rank)).or_default().push((on, index, row));
            }
        }
    }
    listed
}
