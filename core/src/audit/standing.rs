//! What clients have by what is known: billable seats of each product on the last day that its entitlement
//! source covers, whether anything is billed on it or not. For weighing and proving corrections; no part of an
//! audit.

use super::AuditError;
use super::allocation;
use super::calendar::{Day, Days};
use super::client::{ClientRows, Context, Subject, comparison, unfit, view};
use super::gaps::GapIdentity;
use super::timeline::timeline;

/// Billable seats of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The client.
    pub client: String,
    /// The billing entity that the seats are allocated to, or the only one that the client's lines name.
    pub billing_entity: Option<String>,
    /// The product.
    pub product: String,
    /// Billable seats.
    pub billable: i64,
    /// The client has several billing entities, and nobody said whose these seats are.
    pub needs_allocation: bool,
    /// What its gaps are known by.
    pub identity: GapIdentity,
}

pub(super) fn standing(context: &Context<'_>) -> Result<Vec<Standing>, AuditError> {
    let mut found = Vec::new();
    for (client, rows) in context.clients() {
        for subject in view(context, client, rows).subjects {
            if unfit(context, &subject, rows).is_some() {
                continue;
            }
            let Some(last) = subject.entitled.iter().map(|days: &Days| days.until.saturating_sub(1)).max()
            else {
                continue;
            };
            of_product(context, &subject, rows, last, &mut found)?;
        }
    }
    Ok(found)
}

fn of_product<'a>(
    context: &Context<'a>,
    subject: &Subject<'a>,
    rows: ClientRows<'a>,
    last: Day,
    found: &mut Vec<Standing>,
) -> Result<(), AuditError> {
    let mut push = |subject: &Subject<'_>, billable| {
        found.push(Standing {
            client: context.identity.client_name(subject.client).to_owned(),
            billing_entity: subject.entity_shown.map(str::to_owned),
            product: context.identity.product_name(subject.product).to_owned(),
            billable,
            needs_allocation: subject.needs_allocation,
            identity: GapIdentity::of(context, subject),
        });
    };
    if context.allocations.concern(subject.client)
        && let Ok(whole) = comparison(context, subject, rows)?
        && let Some(Ok(parts)) = allocation::share(context, subject, &whole)?
    {
        for part in &parts {
            push(&part.subject, part.comparison.timeline.on(last)?.fall.billable);
        }
        return Ok(());
    }
    let timeline = timeline(subject, context.calendar).ok_or(AuditError::Overflow)?;
    push(subject, timeline.on(last)?.fall.billable);
    Ok(())
}
