//! Writes the example reports and two letters as PDF, to look at: `cargo run -p leakage-core --example report -- FOLDER`.

use leakage_core::evidence::report::{examples, pdf};
use leakage_core::letters::{LetterKind, Letterhead, Template, example, render};
use leakage_core::pdf::Brand;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder")?);
    for (name, report) in
        [("under", examples::under_billed()), ("credit", examples::credit()), ("large", examples::large())]
    {
        std::fs::write(folder.join(format!("{name}.pdf")), pdf(&report)?)?;
    }
    for kind in [LetterKind::FirstNotice, LetterKind::MonthlyStatement] {
        let facts = example(kind);
        let letter = render(&Template::default_for(kind).map_err(|_| "template")?, &facts)?;
        let head = Letterhead {
            brand: Brand::default(),
            msp: facts.msp.clone(),
            to: facts.contact.iter().cloned().chain([facts.client.clone()]).collect(),
            on: "2026-11-12".parse()?,
            reference: facts.reference.clone(),
        };
        std::fs::write(folder.join(format!("{}.pdf", kind.as_str())), letter.pdf(&head)?)?;
    }
    Ok(())
}
