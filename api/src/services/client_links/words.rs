//! What is mailed to a client's contact, and what a contact writes by confirming. Plain sentences, as text
//! and as HTML.

use super::LinkAction;
use crate::auth::codes;
use leakage_core::correction::plan::Terms;
use leakage_core::money::Money;
use std::fmt::Write as _;

/// What a code is for, to be put behind "wants to".
pub fn purpose(action: LinkAction, amount: Option<Money>, way: Option<Terms>) -> String {
    match (action, amount) {
        (LinkAction::Accept, _) => "accept the correction".to_owned(),
        (LinkAction::Dispute, _) => "object to the correction, or to a part of it".to_owned(),
        (LinkAction::Plan, _) => way.map_or_else(|| "pay as it was offered".to_owned(), pays),
        (LinkAction::ConfirmWaiver, Some(amount)) => {
            format!("confirm in writing that {} {} is not charged", amount.currency, amount.amount)
        }
        (LinkAction::ConfirmWaiver, None) => "confirm in writing that an amount is not charged".to_owned(),
    }
}

/// A way to pay: the mail names it, so that a code is passed on for this one only.
fn pays(way: Terms) -> String {
    let on = way.first_on.format("%-d %B %Y");
    match way.count {
        1 => format!("pay all at once, on {on}"),
        count => format!("pay in {count} {} parts, the first on {on}", way.cadence),
    }
}

/// Subject and text of the mail with a code.
pub fn code(msp: &str, client: &str, purpose: &str, code: &str, minutes: i64) -> (String, String) {
    let code = codes::spaced(code);
    let text = format!(
        "Someone on the page that {msp} made for {client} wants to {purpose}.\n\n\
         If it is you, this is your code:\n\n{code}\n\n\
         It is good for {minutes} minutes, once, and for this only.\n\n\
         If it is not you, do not pass the code on, not to {msp} either. Nothing happens without it. Please tell \
         {msp} that you did not ask for it.\n"
    );
    (line(&format!("Your code for {msp}")), text)
}

/// Subject and text of the mail to a contact that was replaced.
pub fn contact_changed(msp: &str, client: &str) -> (String, String) {
    let text = format!(
        "{msp} has registered another contact for {client}. Until now that was you: links and codes for the \
         corrections of {client} came to this address. Those that you have do not work any more.\n\n\
         If you did not expect this, please tell {msp}, or whoever runs the accounts of {client}, today.\n"
    );
    (line(&format!("{msp}: another contact for {client}")), text)
}

/// What a client writes by confirming a waiver. The file that the waiver rests on.
pub fn writing(facts: &Writing<'_>) -> String {
    format!(
        "Confirmation of a waiver\n\n\
         {contact} confirms for {client}, to {msp}:\n\n\
         \"We confirm that {currency} {amount} is not charged, and that the seats are billed from now on.\"\n\n\
         Correction: {correction}\nWaiver request: {request}\n\
         Facts that were shown: {frozen}\n\
         Confirmed: {at}, through the link {link}, which the service mailed to the registered contact,\n\
         with a code (id {code}) that the service mailed to the same address.\n",
        contact = facts.contact,
        client = facts.client,
        msp = facts.msp,
        currency = facts.amount.currency,
        amount = facts.amount.amount,
        correction = facts.correction,
        request = facts.request,
        frozen = facts.frozen,
        at = facts.at,
        link = facts.link,
        code = facts.code,
    )
}

/// What stands in a [`writing`].
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    /// Name and address of the contact.
    pub contact: &'a str,
    /// The client.
    pub client: &'a str,
    /// The MSP.
    pub msp: &'a str,
    /// What is not charged.
    pub amount: Money,
    /// The correction.
    pub correction: &'a str,
    /// Number of the request.
    pub request: u32,
    /// Digest of the facts behind the last message.
    pub frozen: &'a str,
    /// When.
    pub at: &'a str,
    /// The link.
    pub link: &'a str,
    /// The code's id.
    pub code: &'a str,
}

/// A text of paragraphs as an HTML page that needs nothing else.
pub fn html(subject: &str, text: &str) -> String {
    let mut body = String::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        let code = codes::read(paragraph).is_some();
        let look = if code { ";font-size:28px;letter-spacing:4px;font-weight:bold" } else { "" };
        let _ = writeln!(body, "<p style=\"margin:0 0 16px{look}\">{}</p>", escaped(paragraph));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n</head>\n\
         <body style=\"margin:0;padding:24px;background:#ffffff;color:#1f2328;font:16px/1.5 Arial,Helvetica,sans-serif\">\n\
         <div style=\"max-width:560px;margin:0 auto\">\n{body}</div>\n</body>\n</html>\n",
        escaped(subject),
    )
}

/// One line: names may hold anything.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leakage_core::correction::plan::Cadence;

    #[test]
    fn the_mail_names_the_way_to_pay() {
        let way = |count, cadence| Terms { count, cadence, first_on: "2026-12-01".parse().unwrap() };
        let purpose = |terms| purpose(LinkAction::Plan, None, Some(terms));
        assert_eq!(purpose(way(1, Cadence::Monthly)), "pay all at once, on 1 December 2026");
        assert_eq!(purpose(way(6, Cadence::Weekly)), "pay in 6 weekly parts, the first on 1 December 2026");
    }

    #[test]
    fn names_are_no_markup_and_no_second_header() {
        let (subject, text) = code("A & <b>B</b>\r\nBcc: x@y", "Contoso", "accept", "12345678", 10);
        assert!(!subject.contains(['\r', '\n']), "{subject:?}");
        assert!(text.contains("\n1234 5678\n"), "{text}");
        let html = html(&subject, &text);
        assert!(html.contains("A &amp; &lt;b&gt;B&lt;/b&gt;") && !html.contains("<b>"), "{html}");
        assert!(html.contains("font-weight:bold\">1234 5678<"), "{html}");
    }
}
