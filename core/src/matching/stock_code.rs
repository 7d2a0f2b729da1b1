//! Partner Center's `ProductId:SkuId` in the spellings of distributors and PSAs.

/// Length of a Partner Center product id.
const PRODUCT: usize = 12;
/// Length of a Partner Center SKU id.
const SKU: usize = 4;
/// What the product ids of licences, server subscriptions and Azure offers begin with.
const FAMILIES: [&[u8]; 3] = [b"CFQ7TTC0", b"DG7GMGF0", b"DZH318Z0"];

/// What stands between product and SKU, but for a space.
const SEPARATORS: &[u8] = b":-_/.";

/// The `ProductId:SkuId` that a stock code stands for, in capitals.
///
/// Read: `CFQ7TTC0LCHC:0002`, `CFQ7TTC0LCHC-0002`, `P1Y:CFQ7TTC0LCHC:0002:1:` (term, product, SKU,
/// billing), `USCFQ7TTC0LCHC0002` (country in front, nothing between), an offer id with its availability
/// behind (`DG7GMGF0FKZV:0003:DG7GMGF0DQLM`, left out: it changes), `#` in front. A code without a SKU
/// (`CFQ7TTC0LCHC - A/M`) or with a SKU that is not four characters is none, for a product id alone is
/// not a product. So is a text with two different ones.
pub fn stock_code(text: &str) -> Option<String> {
    let code = plain(text);
    let mut found: Option<String> = None;
    for at in 0..code.len() {
        let Some(here) = code.get(at..).and_then(|rest| read(rest, at, &code)) else { continue };
        if found.as_ref().is_some_and(|other| *other != here) {
            return None;
        }
        found = Some(here);
    }
    found
}

/// The text in ASCII capitals, other characters as 0, with single spaces and none beside a separator.
fn plain(text: &str) -> Vec<u8> {
    let mut code: Vec<u8> = Vec::with_capacity(text.len());
    for c in text.trim().chars() {
        let byte = if c.is_whitespace() { b' ' } else { u8::try_from(c.to_ascii_uppercase()).unwrap_or(0) };
        let last = code.last().copied();
        if byte == b' ' && last.is_some_and(|last| last == b' ' || SEPARATORS.contains(&last)) {
            continue;
        }
        if last == Some(b' ') && SEPARATORS.contains(&byte) {
            code.pop();
        }
        code.push(byte);
    }
    code
}

/// Reads a product and its SKU that begin here.
fn read(rest: &[u8], at: usize, code: &[u8]) -> Option<String> {
    let product = rest.get(..PRODUCT)?;
    if !product.iter().all(u8::is_ascii_alphanumeric) || !may_begin(product, at, code) {
        return None;
    }
    let behind = rest.get(PRODUCT..)?;
    let sku = match behind.first()? {
        b' ' => behind.get(1..=SKU)?,
        separator if SEPARATORS.contains(separator) => behind.get(1..=SKU)?,
        _ if FAMILIES.iter().any(|family| product.starts_with(family)) => behind.get(..SKU)?,
        _ => return None,
    };
    let end = at + PRODUCT + sku.len() + usize::from(!behind.first()?.is_ascii_alphanumeric());
    let ends = code.get(end).is_none_or(|next| !next.is_ascii_alphanumeric());
    let plausible = sku.first() == Some(&b'0') && sku.iter().all(u8::is_ascii_alphanumeric);
    (ends && plausible)
        .then(|| format!("{}:{}", String::from_utf8_lossy(product), String::from_utf8_lossy(sku)))
}

/// A known family may stand at a boundary or behind a country's two letters; another product id only
/// opens the text and has its SKU behind a colon.
fn may_begin(product: &[u8], at: usize, code: &[u8]) -> bool {
    if !FAMILIES.iter().any(|family| product.starts_with(family)) {
        let shaped = product.iter().any(u8::is_ascii_digit) && product.iter().any(u8::is_ascii_alphabetic);
        return at == 0 && shaped && code.get(PRODUCT) == Some(&b':');
    }
    let boundary =
        |at: usize| at == 0 || code.get(at - 1).is_some_and(|before| !before.is_ascii_alphanumeric());
    let country = at >= 2
        && code.get(at - 2..at).is_some_and(|letters| letters.iter().all(u8::is_ascii_alphabetic))
        && boundary(at - 2);
    boundary(at) || country
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_business_premium_is_the_same_code() {
        for text in [
            "CFQ7TTC0LCHC:0002",
            "CFQ7TTC0LCHC-0002",
            "cfq7ttc0lchc:0002",
            " CFQ7TTC0LCHC : 0002\u{a0}",
            "P1Y:CFQ7TTC0LCHC:0002:1:",
            "P1M:CFQ7TTC0LCHC:0002:1:",
            "USCFQ7TTC0LCHC0002",
            "CFQ7TTC0LCHC0002",
            "#CFQ7TTC0LCHC:0002",
            "CFQ7TTC0LCHC:0002:CFQ7TTC0X6RN",
            "CFQ7TTC0LCHC 0002",
            "Business Premium CFQ7TTC0LCHC-0002 annual",
        ] {
            assert_eq!(stock_code(text).as_deref(), Some("CFQ7TTC0LCHC:0002"), "{text}");
        }
    }

    #[test]
    fn other_families_are_read_too() {
        for (text, code) in [
            ("DG7GMGF0FKZV:0003:DG7GMGF0DQLM", "DG7GMGF0FKZV:0003"),
            ("DZH318Z0BNZ5:006G", "DZH318Z0BNZ5:006G"),
            ("CFQ7TTC0LCHC:001J", "CFQ7TTC0LCHC:001J"),
            ("AAD12345ABCD:000A:AAD99999ABCD", "AAD12345ABCD:000A"),
        ] {
            assert_eq!(stock_code(text).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn what_is_no_stock_code_stays_none() {
        for text in [
            "",
            "SPB",
            "CFQ7TTC0LCHC",
            "CFQ7TTC0LCHC - A/M",
            "CFQ7TTC0LCHC:2",
            "CFQ7TTC0LCHC:CFQ7TTC0X6RN",
            "CFQ7TTC0LCHC00021",
            "XCFQ7TTC0LCHC0002",
            "MST-NCE-103-C100",
            "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46",
            "Microsoft 365 Business Premium",
            "CFQ7TTC0LCHC:0002 and CFQ7TTC0LDPB:0001",
            "ÜSCFQ7TTC0LCHÇ0002",
        ] {
            assert_eq!(stock_code(text), None, "{text}");
        }
    }
}
