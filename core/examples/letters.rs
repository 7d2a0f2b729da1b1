//! Prints the default letters, written from the example facts: `cargo run -p leakage-core --example letters [html]`.
//! What people see first when they change a template.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use leakage_core::letters::{LetterKind, Template, example, render};

fn main() {
    let html = std::env::args().any(|argument| argument == "html");
    for kind in LetterKind::ALL.iter().copied() {
        println!("=== {kind}");
        match Template::default_for(kind) {
            Err(faults) => faults.iter().for_each(|fault| println!("{fault}")),
            Ok(template) => match render(&template, &example(kind)) {
                Err(error) => println!("{error}"),
                Ok(letter) if html => print!("{}", letter.html()),
                Ok(letter) => print!("Subject: {}\n\n{}", letter.subject, letter.text()),
            },
        }
    }
}
