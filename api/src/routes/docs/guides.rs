//! The guides: pages made from the texts in `docs/`, once in a process.

use crate::error::{Code, refused_as};
use leakage_core::correction::refusal;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

/// A guide.
struct Guide {
    /// The last part of its address, and the name of its file in `docs/`.
    name: &'static str,
    /// In the list of guides.
    title: &'static str,
    text: &'static str,
}

macro_rules! guide {
    ($name:literal, $title:literal) => {
        Guide { name: $name, title: $title, text: include_str!(concat!("../../../../docs/", $name, ".md")) }
    };
}

/// In the order in which a newcomer reads them. A new one is its file and a line here.
const GUIDES: &[Guide] = &[
    guide!("first-audit", "First audit"),
    guide!("importing", "Importing"),
    guide!("numbers", "The numbers"),
    guide!("operating", "Operating"),
    guide!("corrections", "Corrections"),
    guide!("billing-instructions", "Billing instructions"),
    guide!("client-link", "The client's link"),
    guide!("what-if-margins-waste", "Other policies, margins, unused seats"),
    guide!("letters", "Letters"),
    guide!("evidence", "Verifying evidence"),
    guide!("cycle", "The monthly cycle"),
    guide!("webhooks", "Webhooks"),
    guide!("deciding", "Rules, prices and policies"),
    guide!("errors", "Errors"),
];

/// Address of a guide. That of the errors is in every problem, and stays where it was.
fn address(name: &str) -> String {
    if name == "errors" { "/docs/errors".to_owned() } else { format!("/docs/guides/{name}") }
}

/// The page of a guide; none: there is no such guide.
pub fn page(name: &str) -> Option<&'static str> {
    static PAGES: OnceLock<BTreeMap<&'static str, String>> = OnceLock::new();
    PAGES
        .get_or_init(|| GUIDES.iter().map(|guide| (guide.name, made(guide))).collect())
        .get(name)
        .map(String::as_str)
}

/// Where someone is sent who asks for the guides.
pub fn first() -> String {
    GUIDES.first().map_or_else(String::new, |guide| address(guide.name))
}

fn made(guide: &Guide) -> String {
    let mut list = String::new();
    for other in GUIDES {
        let here = if other.name == guide.name { " aria-current=\"page\"" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(list, "<li><a href=\"{}\"{here}>{}</a></li>", address(other.name), other.title);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} - Leakage Finder</title>\n\
         <link rel=\"icon\" href=\"/assets/icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/assets/page.css\">\n<link rel=\"stylesheet\" href=\"/assets/guide.css\">\n\
         </head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
         <header class=\"bar\"><a class=\"brand\" href=\"/\">Leakage Finder</a>\
         <nav aria-label=\"Documentation\"><a href=\"/docs/guides/first-audit\">Guides</a><a href=\"/docs/\">API</a></nav></header>\n\
         <div class=\"guide\">\n<nav class=\"guides\" aria-label=\"Guides\"><ul>{list}</ul></nav>\n\
         <main id=\"main\" tabindex=\"-1\"><article>\n{body}</article></main>\n</div>\n</body>\n</html>\n",
        title = guide.title,
        body = body(guide),
    )
}

/// The text as HTML: headings with anchors, links between guides, tables that can be scrolled.
fn body(guide: &Guide) -> String {
    let (mut events, mut tables) = (Vec::new(), 0);
    let mut heading: Option<(HeadingLevel, String, Vec<Event<'_>>)> = None;
    for event in Parser::new_ext(guide.text, Options::ENABLE_TABLES) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { level, .. }), _) => {
                heading = Some((level, String::new(), Vec::new()));
            }
            (Event::End(TagEnd::Heading(_)), Some(_)) => {
                if let Some((level, words, inner)) = heading.take() {
                    let id = slug(&words);
                    events.push(Event::Html(format!("<{level} id=\"{id}\">").into()));
                    events.extend(inner);
                    events.push(Event::Html(format!("</{level}>\n{}", facts(guide, &words)).into()));
                }
            }
            (event, Some((_, words, inner))) => {
                if let Event::Text(text) | Event::Code(text) = &event {
                    words.push_str(text);
                }
                inner.push(event);
            }
            (Event::Start(Tag::Link { link_type, dest_url, title, id }), None) => {
                let dest_url = linked(dest_url);
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            (Event::Start(Tag::Table(columns)), None) => {
                tables += 1;
                events.push(Event::Html(scrolled(tables).into()));
                events.push(Event::Start(Tag::Table(columns)));
            }
            (Event::End(TagEnd::Table), None) => {
                events.extend([Event::End(TagEnd::Table), Event::Html("</div>".into())]);
            }
            (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented)), None) => {
                events.push(Event::Html("<pre tabindex=\"0\"><code>".into()));
            }
            (Event::End(TagEnd::CodeBlock), None) => events.push(Event::Html("</code></pre>\n".into())),
            (event, None) => events.push(event),
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    if guide.name == "errors" {
        out.push_str(&refusals());
    }
    out
}

/// The codes with which commands on corrections are refused, from the table that knows them.
fn refusals() -> String {
    let mut out = String::from("<h2 id=\"refused-commands\">Refused commands of corrections</h2>\n");
    for code in refusal::Code::ALL {
        let (name, status) = (code.as_str(), refused_as(*code).status().as_u16());
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<h3 id=\"{name}\"><code>{name}</code></h3>\n<p>{status}: the command is refused; \
             <code>detail</code> and <code>errors</code> say what is missing.</p>",
        );
    }
    out
}

/// Around a table that may be wider than a phone; each is named by its number.
fn scrolled(table: u32) -> String {
    format!("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table {table}\">")
}

/// What the table of codes knows of an error, under its heading.
fn facts(guide: &Guide, heading: &str) -> String {
    let Some(code) = Code::parse(heading).filter(|_| guide.name == "errors") else { return String::new() };
    let retry = if code.retryable() {
        "the same request may succeed later"
    } else {
        "the same request will fail again: change it first"
    };
    let mut facts = String::new();
    // Writing to a String cannot fail.
    let _ =
        writeln!(facts, "<p class=\"facts-line\">{}: {}; {retry}.</p>", code.status().as_u16(), code.title());
    facts
}

/// The anchor of a heading, as forges make it; of an error its code.
fn slug(words: &str) -> String {
    let kept = words.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A link between the texts as a link between the pages; texts that are no guide have no page.
fn linked(to: CowStr<'_>) -> CowStr<'_> {
    let (file, anchor) =
        to.split_once('#').map_or((to.as_ref(), None), |(file, anchor)| (file, Some(anchor)));
    let guide = file.strip_suffix(".md").and_then(|name| GUIDES.iter().find(|guide| guide.name == name));
    match (guide, anchor) {
        (Some(guide), Some(anchor)) => format!("{}#{anchor}", address(guide.name)).into(),
        (Some(guide), None) => address(guide.name).into(),
        _ => to,
    }
}

#[cfg(test)]
mod tests {
    use super::{GUIDES, page};
    use crate::error::Code;
    use leakage_core::correction::refusal;

    #[test]
    fn every_code_has_an_entry_that_says_what_to_do() {
        let errors = page("errors").unwrap();
        for code in Code::ALL {
            let name = code.as_str();
            let entry = errors.split(&format!("<h2 id=\"{name}\">")).nth(1);
            let entry = entry.unwrap_or_else(|| panic!("add a section `## {name}` to docs/errors.md"));
            let entry = entry.split("<h2 ").next().unwrap();
            assert!(entry.matches("<p>").count() >= 1 && entry.contains("facts-line"), "{name}: {entry}");
        }
        let (errors, refused) = errors.split_once("<h2 id=\"refused-commands\">").unwrap();
        for code in refusal::Code::ALL {
            assert!(refused.contains(&format!("<h3 id=\"{}\">", code.as_str())), "{}", code.as_str());
        }
        let entries = errors.matches("<h2 id=").count();
        assert_eq!(entries, Code::ALL.len(), "docs/errors.md has an entry of no code");
    }

    #[test]
    fn every_link_between_guides_leads_to_a_page_and_a_heading() {
        for guide in GUIDES {
            let html = page(guide.name).unwrap();
            for link in html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
                let name = path.strip_prefix("/docs/guides/").or(path.strip_prefix("/docs/")).unwrap_or("");
                assert!(!path.contains(".md"), "{link} in {} leads to no page", guide.name);
                if !name.is_empty() {
                    let target = page(name).unwrap_or_else(|| panic!("{link} in {}", guide.name));
                    assert!(anchor.is_empty() || target.contains(&format!("id=\"{anchor}\"")), "{link}");
                }
            }
        }
    }
}
