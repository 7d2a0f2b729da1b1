//! How likely two product references mean the same product, with reasons.
//!
//! Strict on purpose: a proposed pair is not compared until a person decides, so a product that merely
//! shares words with another must not hold up a true gap. What the catalog tells apart is never proposed.

use super::identity::{Identity, Parts, read};
use super::propose::word_hints;
use super::similar::{Comparison, FULL, compare};
use super::words::{Words, is_common, is_edition, is_plan, weight};
use super::{PROPOSAL_THRESHOLD, Scored, fold, stock_code};
use crate::catalog::{Catalog, Sku, checked_offers, former_names};
use crate::records::ProductRef;
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// What a name that reads like another's current name is worth.
const SAME_READING: u32 = 920;
/// What a name is worth that two SKUs have.
const SHARED_NAME: u32 = 900;
/// The most that likeness of spelling alone is worth.
const ALIKE: u32 = 950;

/// How the SKUs that a reference stands for were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Id,
    Name,
    Former,
    PartNumber,
    Reading,
}

/// A reference, read once for many comparisons.
#[derive(Debug)]
pub(super) struct Prepared {
    shown: String,
    stock: Option<String>,
    code: Option<String>,
    /// SKUs of the catalog that it can stand for, and how that is known.
    skus: Option<(Known, BTreeSet<String>)>,
    /// The one SKU's current name, and when a former name was given up.
    renamed: Option<&'static str>,
    names: Vec<Words>,
}

impl Prepared {
    pub(super) fn new(product: &ProductRef, catalog: &Catalog) -> Self {
        let face = read(product, &Parts::new(), catalog);
        let name = product.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let mut renamed = None;
        let skus = match &face.vendor {
            Some((Identity::Guid(guid), _)) => Some((Known::Id, BTreeSet::from([guid.clone()]))),
            Some((Identity::Part(part), _)) => {
                Some((Known::Id, guids(&catalog.by_part_number(part)))).filter(|(_, skus)| !skus.is_empty())
            }
            _ => name.and_then(|name| by_name(name, catalog, &mut renamed)),
        };
        let stock = match &face.vendor {
            Some((Identity::Stock(code), _)) => Some(code.clone()),
            _ => name.and_then(stock_code),
        };
        let known = skus.iter().filter(|(known, _)| *known == Known::Id).flat_map(|(_, skus)| skus);
        let of_catalog = known.filter_map(|guid| catalog.by_guid(guid)).flat_map(|sku| &sku.names);
        let names: Vec<Words> =
            name.into_iter().chain(of_catalog.map(|name| name.text.as_str())).map(Words::of).collect();
        let shown =
            name.map(str::to_owned).or_else(|| product.part_number.clone()).or_else(|| product.sku.clone());
        Self {
            shown: shown.or_else(|| product.code.clone()).unwrap_or_default(),
            stock,
            code: face.code,
            skus,
            renamed,
            names,
        }
    }
}

impl Prepared {
    /// What a product that may be the same has at least one of.
    pub(super) fn hints(&self) -> BTreeSet<String> {
        let mut hints: BTreeSet<String> = self.skus.iter().flat_map(|(_, skus)| skus).cloned().collect();
        hints.extend(self.stock.iter().chain(&self.code).cloned());
        for name in &self.names {
            let whole = name.words.concat();
            let telling =
                name.words.iter().chain([&whole]).filter(|word| !word.is_empty() && !is_common(word));
            hints.extend(telling.flat_map(|word| word_hints(word)));
        }
        hints
    }
}

fn guids(skus: &[&Sku]) -> BTreeSet<String> {
    skus.iter().map(|sku| sku.guid.clone()).collect()
}

/// The SKUs that a bare name can stand for: its current name's, its former name's, the part number's
/// that it is spelled like, or those whose name reads the same with abbreviations written out.
fn by_name(
    name: &str,
    catalog: &Catalog,
    renamed: &mut Option<&'static str>,
) -> Option<(Known, BTreeSet<String>)> {
    static FORMER: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(|| {
        let mut readings: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, former) in former_names().iter().enumerate() {
            readings.entry(Words::reading(former.name)).or_default().push(at);
        }
        readings
    });
    let found = |known, skus: &[&Sku]| (!skus.is_empty()).then(|| (known, guids(skus)));
    let folded = fold(name);
    let reading = Words::reading(name);
    found(Known::Name, &catalog.by_name(&folded))
        .or_else(|| {
            let former: Vec<_> =
                FORMER.get(&reading).into_iter().flatten().filter_map(|at| former_names().get(*at)).collect();
            *renamed = former.first().and_then(|former| former.renamed);
            let skus: Vec<&Sku> =
                former.iter().flat_map(|former| catalog.by_part_number(former.part_number)).collect();
            found(Known::Former, &skus)
        })
        .or_else(|| found(Known::Reading, &catalog.by_reading(&reading, Words::reading)))
        .or_else(|| found(Known::PartNumber, &catalog.by_folded_part(&folded)))
}

/// How likely two references mean the same product; `None`: not worth proposing.
///
/// Two that are the same exactly score as well: ask [`super::ProductIndex`] first.
pub fn score_products(a: &ProductRef, b: &ProductRef, catalog: &Catalog) -> Option<Scored> {
    score(&Prepared::new(a, catalog), &Prepared::new(b, catalog), catalog)
}

/// The same for references that were read before.
pub(super) fn score(a: &Prepared, b: &Prepared, catalog: &Catalog) -> Option<Scored> {
    let (mut score, mut reasons) = match (&a.skus, &b.skus) {
        (Some(_), Some(_)) => known_alike(a, b, catalog)?,
        _ => alike(a, b)?,
    };
    for (stock, other) in [(&a.stock, b), (&b.stock, a)] {
        if let Some(part) = stock.as_deref().and_then(|stock| checked(stock, other, catalog)) {
            score = (score + 20).min(980);
            reasons.push(format!("`{}` is sold as `{part}`", stock.as_deref().unwrap_or_default()));
        }
    }
    Some(finish(score, reasons)).filter(|scored| scored.score >= PROPOSAL_THRESHOLD)
}

/// Two that the catalog knows: it tells them apart, whatever their names share, unless both can be the
/// same SKU.
fn known_alike(a: &Prepared, b: &Prepared, catalog: &Catalog) -> Option<(u32, Vec<String>)> {
    let ((known_a, skus_a), (known_b, skus_b)) = (a.skus.as_ref()?, b.skus.as_ref()?);
    let first = skus_a.intersection(skus_b).next()?;
    let name = catalog.by_guid(first).map_or(first.as_str(), Sku::name);
    let weakest = [because(a, *known_a, name), because(b, *known_b, name)].into_iter().flatten().min();
    let count = skus_a.len().max(skus_b.len());
    let shared = (SHARED_NAME, format!("`{name}` is the name of {count} SKUs"));
    Some(match weakest {
        Some((score, reason)) if count == 1 => (score, vec![reason]),
        Some((score, reason)) => (score.min(shared.0), vec![reason, shared.1]),
        None if count == 1 => {
            (ALIKE, vec![format!("the same name, `{name}`, under ids that no public table joins")])
        }
        None => (shared.0, vec![shared.1]),
    })
}

/// The part number that an offer was checked to be, if the other side is that SKU.
fn checked(stock: &str, other: &Prepared, catalog: &Catalog) -> Option<&'static str> {
    let (_, skus) = other.skus.as_ref()?;
    let offer = checked_offers().iter().find(|offer| offer.offer == stock)?;
    catalog
        .by_part_number(offer.part_number)
        .iter()
        .any(|sku| skus.contains(&sku.guid))
        .then_some(offer.part_number)
}

fn because(side: &Prepared, known: Known, name: &str) -> Option<(u32, String)> {
    let shown = &side.shown;
    match known {
        Known::Id | Known::Name => None,
        Known::Former => Some((
            930,
            match side.renamed {
                Some(day) => format!("Microsoft renamed `{shown}` to `{name}` on {day}"),
                None => format!("`{shown}` is a former name of `{name}`"),
            },
        )),
        Known::PartNumber => Some((900, format!("`{shown}` reads like the part number of `{name}`"))),
        Known::Reading => Some((SAME_READING, format!("`{shown}` reads as `{name}`"))),
    }
}

/// Likeness of names, where the catalog knows at most one of the two.
fn alike(a: &Prepared, b: &Prepared) -> Option<(u32, Vec<String>)> {
    if let (Some(one), Some(two)) = (&a.stock, &b.stock) {
        return (one == two).then(|| (970, vec![format!("the same stock code, `{one}`")]));
    }
    let names = a.names.iter().flat_map(|one| b.names.iter().map(move |two| (one, two)));
    let names = names.filter_map(|(one, two)| names_alike(one, two));
    let code = a.code.as_ref().filter(|code| b.code.as_ref() == Some(*code));
    let code = code.map(|code| (850, format!("the same item code, `{code}`")));
    let order = |x: &(u32, String), y: &(u32, String)| (Reverse(x.0), &x.1).cmp(&(Reverse(y.0), &y.1));
    let mut found: Vec<(u32, String)> = names.min_by(order).into_iter().chain(code).collect();
    found.sort_by(order);
    Some((found.first()?.0, found.into_iter().map(|(_, reason)| reason).collect()))
}

fn names_alike(a: &Words, b: &Words) -> Option<(u32, String)> {
    if a.variants != b.variants || !a.is_telling() || !b.is_telling() {
        return None;
    }
    if a.words == b.words {
        return Some((SAME_READING, "the same but for abbreviations and words of licensing".to_owned()));
    }
    if a.words.concat() == b.words.concat() {
        return Some((SAME_READING, "the same but for spaces".to_owned()));
    }
    let comparison = compare(&a.words, &b.words, weight);
    let (left, right) = (&comparison.only_a, &comparison.only_b);
    let telling = |words: &[&str]| words.iter().any(|word| !is_common(word));
    // A word in place of another makes it another product: Exchange and SharePoint, Plan 1 and Plan 2.
    if telling(left) && telling(right) {
        return None;
    }
    let missing: Vec<&str> = left.iter().chain(right).copied().collect();
    // Written in a hurry: the plan's number left out, and nothing else but the brand.
    if let Some(plan) = missing.iter().find(|word| is_plan(word))
        && missing.iter().all(|word| word == plan || matches!(*word, "microsoft" | "online"))
    {
        return Some((800, format!("only one of them names `{plan}`")));
    }
    if missing.iter().any(|word| is_edition(word)) {
        return None;
    }
    Some((comparison.share() * ALIKE / FULL, told(&comparison)))
}

fn told(comparison: &Comparison<'_>) -> String {
    let mut parts: Vec<String> =
        comparison.misspelled.iter().map(|(a, b)| format!("`{a}` for `{b}`")).collect();
    let missing: Vec<&str> = comparison.only_a.iter().chain(&comparison.only_b).copied().collect();
    if !missing.is_empty() {
        parts.push(format!("only one of them says `{}`", missing.join(" ")));
    }
    if parts.is_empty() {
        parts.push("the same words in another order".to_owned());
    }
    format!("names are alike: {}", parts.join(", "))
}

/// From thousandths to the two digits of a score, never certain.
pub(super) fn finish(thousandths: u32, reasons: Vec<String>) -> Scored {
    let hundredths = (thousandths / 10).min(99);
    Scored { score: Decimal::new(i64::from(hundredths), 2), reasons }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ProductRef {
        ProductRef { name: Some(name.to_owned()), ..ProductRef::default() }
    }

    fn graph(part: &str) -> ProductRef {
        let skus = Catalog::microsoft().by_part_number(part);
        assert_eq!(skus.len(), 1, "{part}");
        ProductRef {
            sku: Some(skus[0].guid.clone()),
            part_number: Some(part.to_owned()),
            ..ProductRef::default()
        }
    }

    fn offer(name: &str, id: &str) -> ProductRef {
        ProductRef { sku: Some(id.to_owned()), ..named(name) }
    }

    fn scored(a: &ProductRef, b: &ProductRef) -> Option<Scored> {
        let there = score_products(a, b, Catalog::microsoft());
        assert_eq!(there, score_products(b, a, Catalog::microsoft()), "{a:?} {b:?}");
        there
    }

    #[test]
    fn spellings_of_a_psa_propose_the_sku_they_mean() {
        for (name, part) in [
            ("M365 BP", "SPB"),
            ("MS 365 Bus. Prem.", "SPB"),
            ("Microsoft 365 Business Premium (NCE, annual)", "SPB"),
            ("Microsoft 365 Business Premium - Monthly (1 year commitment)", "SPB"),
            ("M365 Business Premium", "SPB"),
            ("365 Business Premium", "SPB"),
            ("Microsft 365 Busines Premium", "SPB"),
            ("Microsoft 365 Business", "SPB"),
            ("O365 E3", "ENTERPRISEPACK"),
            ("Office365 E3 licence", "ENTERPRISEPACK"),
            ("M365 E3", "SPE_E3"),
            ("Exchange Online P1", "EXCHANGESTANDARD"),
            ("Exchange Plan 1", "EXCHANGESTANDARD"),
            ("Exchange Online", "EXCHANGESTANDARD"),
            ("Office 365 Business Premium", "O365_BUSINESS_PREMIUM"),
            ("O365 Business Premium", "O365_BUSINESS_PREMIUM"),
            ("O365 BP", "O365_BUSINESS_PREMIUM"),
            ("M365 Business Std", "O365_BUSINESS_PREMIUM"),
            ("Azure AD Premium P1", "AAD_PREMIUM"),
            ("Entra ID P1", "AAD_PREMIUM"),
            ("Common Area Phone", "MCOCAP"),
            (
                "M365 Business Premium Donation",
                "Microsoft_365_Business_Premium_Donation_(Non_Profit_Pricing)",
            ),
            ("M365 Business Premium w/o Teams", "Microsoft_365_ Business_ Premium_(no Teams)"),
            ("PowerBI Pro", "POWER_BI_PRO"),
            ("AAD P1", "AAD_PREMIUM"),
            ("Azure AD P2", "AAD_PREMIUM_P2"),
            ("EMS E3", "EMS"),
            ("Project Plan 3", "PROJECTPROFESSIONAL"),
            ("Office 365 E5 w/o audio conf", "ENTERPRISEPREMIUM_NOPSTNCONF"),
            ("Defender for Business", "MDE_SMB"),
        ] {
            let found = scored(&named(name), &graph(part));
            assert!(found.is_some_and(|found| !found.reasons.is_empty()), "{name} -> {part}");
        }
    }

    #[test]
    fn other_products_are_not_proposed() {
        for (name, part) in [
            ("Office 365 Business Premium", "SPB"),
            ("O365 BP", "SPB"),
            ("O365 Business Premium", "SPB"),
            ("Microsoft 365 Business Premium", "O365_BUSINESS_PREMIUM"),
            ("M365 Business Standard", "SPB"),
            ("Microsoft 365 Business", "O365_BUSINESS_PREMIUM"),
            ("M365 E3", "ENTERPRISEPACK"),
            ("O365 E3", "SPE_E3"),
            ("O365 E3", "ENTERPRISEPREMIUM"),
            ("Project Plan 3", "PROJECTCLIENT"),
            ("Microsoft 365 Business Premium Backup", "SPB"),
            ("M365 Business Premium Support", "SPB"),
            ("Managed M365 Business Premium", "SPB"),
            ("Microsoft 365 Business Premium + Defender", "SPB"),
            ("Microsoft Defender for Business Servers", "MDE_SMB"),
            ("M365 F3", "M365_F1_COMM"),
            ("Visio Plan 1", "VISIOCLIENT"),
            ("Visio P1", "VISIOCLIENT"),
            ("Exchange Online P1", "EXCHANGEENTERPRISE"),
            ("Exchange Online P1", "SHAREPOINTSTANDARD"),
            ("Entra ID P2", "AAD_PREMIUM"),
            ("M365 Business Premium", "Microsoft_365_ Business_ Premium_(no Teams)"),
            ("M365 Business Premium", "Microsoft_365_Business_Premium_Donation_(Non_Profit_Pricing)"),
            ("M365 Business Premium EEA (no Teams)", "SPB"),
            ("M365 BP Donation", "SPB"),
            ("Office 365 A3 for students", "ENTERPRISEPACKPLUS_FACULTY"),
            ("Office 365 E3 GCC", "ENTERPRISEPACK"),
            ("Managed Workstation", "SPB"),
            ("Managed Workstation incl. Microsoft 365", "SPB"),
            ("Backup for Microsoft 365", "SPB"),
            ("Microsoft 365", "SPB"),
            ("Microsoft 365 Support", "SPB"),
            ("Premium Support", "SPB"),
            ("Power BI Premium Per User", "POWER_BI_PRO"),
            ("Microsoft Teams Rooms Basic", "Microsoft_Teams_Rooms_Pro"),
            ("Windows 365 Business 2 vCPU 4 GB 128 GB", "CPC_B_2C_4RAM_256GB"),
        ] {
            assert_eq!(scored(&named(name), &graph(part)), None, "{name} -> {part}");
        }
    }

    #[test]
    fn products_of_other_vendors_are_compared_by_their_names() {
        for (a, b, proposed) in [
            ("Webroot SecureAnywhere", "Webroot Secure Anywhere", true),
            ("Webroot (annual)", "Webroot", true),
            ("Acronis Cyber Protect", "Acronis Cyber-Protekt", true),
            ("Acronis Backup Server", "Acronis Backup Workstation", false),
            ("Managed Workstation", "Managed Server", false),
            ("Managed Workstation", "Managed Workstation Premium", false),
            ("Datto RMM", "Datto BCDR", false),
            ("Backup 500 GB", "Backup 1000 GB", false),
            ("Adobe Creative Cloud", "Adobe Acrobat", false),
        ] {
            assert_eq!(scored(&named(a), &named(b)).is_some(), proposed, "{a} / {b}");
        }
    }

    #[test]
    fn a_name_of_two_skus_is_proposed_to_both() {
        for part in ["VISIOONLINE_PLAN1", "VISIO_PLAN1_DEPT"] {
            let found = scored(&named("Visio Plan 1"), &graph(part)).unwrap();
            assert_eq!(found.score.to_string(), "0.90");
            assert!(found.reasons[0].contains("2 SKUs"), "{found:?}");
        }
        assert_eq!(scored(&graph("VISIOONLINE_PLAN1"), &graph("VISIO_PLAN1_DEPT")), None);
    }

    #[test]
    fn a_partner_center_offer_of_the_same_name_is_proposed_with_its_checked_pair() {
        let found =
            scored(&offer("Microsoft 365 Business Premium", "CFQ7TTC0LCHC:0002"), &graph("SPB")).unwrap();
        assert_eq!(found.score.to_string(), "0.97");
        assert_eq!(found.reasons.len(), 2, "{found:?}");
        let inside = named("M365 Premium bundle CFQ7TTC0LCHC-0002");
        let found = scored(&inside, &offer("Business Premium", "CFQ7TTC0LCHC:0002")).unwrap();
        assert_eq!(found.reasons, ["the same stock code, `CFQ7TTC0LCHC:0002`"]);
        let defender = offer("Microsoft Defender Suite for Business Premium", "CFQ7TTC0LCHC:001J");
        assert_eq!(scored(&defender, &graph("SPB")), None);
    }

    #[test]
    fn every_current_name_is_its_own_best_proposal() {
        let catalog = Catalog::microsoft();
        let plain: Vec<_> = catalog.skus().iter().step_by(7).collect();
        let prepared: Vec<_> = plain
            .iter()
            .map(|sku| {
                Prepared::new(&ProductRef { sku: Some(sku.guid.clone()), ..ProductRef::default() }, catalog)
            })
            .collect();
        for (sku, own) in plain.iter().zip(&prepared) {
            let bare = Prepared::new(&named(sku.name()), catalog);
            assert!(score(&bare, own, catalog).is_some(), "{}", sku.name());
            for (other, theirs) in plain.iter().zip(&prepared).filter(|(other, _)| other.name() != sku.name())
            {
                assert_eq!(score(&bare, theirs, catalog), None, "{} / {}", sku.name(), other.name());
            }
        }
    }

    #[test]
    fn what_scores_shares_a_hint() {
        let catalog = Catalog::microsoft();
        let names = [
            "M365 BP",
            "Microsft 365 Busines Premium",
            "365 Business Premium",
            "O365 BP",
            "Entra ID P1",
            "Exchange Online",
            "Webroot SecureAnywhere",
            "Webroot Secure Anywhere",
            "Visio P1",
            "Copilot for Microsoft 365",
            "PowerBI Pro",
        ];
        let graph = catalog
            .skus()
            .iter()
            .map(|sku| ProductRef { sku: Some(sku.guid.clone()), ..ProductRef::default() });
        let all: Vec<Prepared> =
            names.iter().map(|name| named(name)).chain(graph).map(|p| Prepared::new(&p, catalog)).collect();
        let mut pairs = 0;
        for a in &all[..names.len()] {
            for b in all.iter().filter(|b| score(a, b, catalog).is_some()) {
                assert!(!a.hints().is_disjoint(&b.hints()), "{a:?} {b:?}");
                pairs += 1;
            }
        }
        assert!(pairs > names.len(), "{pairs}");
    }
}
