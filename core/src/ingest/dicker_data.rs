//! Dicker Data (Australia, New Zealand): annuity details and invoice details.
//!
//! Both name a product by a stock code that says all: `P1Y:CFQ7TTC0LCHC:0002:1:` is the term, Partner Center's
//! product and SKU, and the billing (`1` monthly, `Y` yearly). Dates are `30-AUG-2025`, prices `$1,000.00`,
//! quantities `275` or `275.00`. Neither file names a currency, which is asked. Lines of $0.00 are real (free
//! resource accounts). Azure's codes (`DZH318Z0BPS6:0001`) are metered use.

pub(super) mod annuity_details;
pub(super) mod invoice_details;

use super::layout::Cells;
use super::sink::Bad;
use super::vendor_item::coded;
use crate::records::{ChargeKind, ClientRef, Cycle, ProductRef, Term};

/// What a stock code says beside the product.
struct Code {
    term: Option<Term>,
    /// None where the code has no billing part.
    billed: Option<Cycle>,
    kind: ChargeKind,
}

fn code(text: &str) -> Code {
    let parts: Vec<&str> = text.trim().trim_end_matches(':').split(':').map(str::trim).collect();
    let term = match parts.first().map(|part| part.to_uppercase()).as_deref() {
        Some("P1M") => Some(Term::Monthly),
        Some("P1Y") => Some(Term::Annual),
        Some("P3Y") => Some(Term::Triennial),
        _ => None,
    };
    let billed = match parts.get(3).map(|part| part.to_uppercase()).as_deref() {
        Some("1" | "M") if term.is_some() => Some(Cycle::Monthly),
        Some("Y" | "12") if term.is_some() => Some(Cycle::Annual),
        Some("3Y" | "36") if term.is_some() => Some(Cycle::Triennial),
        _ => None,
    };
    // Azure's offers are sold by use; a term before the code makes it a licence or a server subscription.
    let azure =
        term.is_none() && parts.first().is_some_and(|part| part.to_uppercase().starts_with("DZH318Z0"));
    Code { term, billed, kind: if azure { ChargeKind::Usage } else { ChargeKind::Licence } }
}

fn product(cells: &Cells<'_>, stock_code: usize, description: usize) -> Result<ProductRef, Bad> {
    let code = cells.need(stock_code)?.to_owned();
    Ok(coded(cells.owned(description), Some(code)))
}

/// The tenant, by its id where it is a Microsoft tenant's.
fn client(cells: &Cells<'_>, id: usize, name: usize) -> Result<ClientRef, Bad> {
    let id_text = cells.text(id).map(str::to_lowercase);
    let name_text = cells.owned(name);
    if id_text.is_none() && name_text.is_none() {
        return Err(cells.bad(name, "is empty, and so is the tenant's id"));
    }
    Ok(ClientRef { id: id_text, name: name_text, domain: None })
}
