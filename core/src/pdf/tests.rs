//! What a layout must hold, whatever the words are.

use super::flow::{Flow, Laid, Running};
use super::font::Shaper;
use super::sheet::Mark;
use super::table::{Cell, Column, Table};
use super::text::wrap;
use super::theme::Theme;
use super::unit::{BOTTOM, FIRST_TOP, PAGE_HEIGHT, SIDE, TOP, Unit, WIDTH, pt};
use super::{About, Brand, Logo, LogoError, write};
use proptest::prelude::*;

/// A line of text, and where it is on its page.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) page: usize,
    pub(crate) left: Unit,
    pub(crate) right: Unit,
    pub(crate) baseline: Unit,
    pub(crate) text: String,
}

impl Laid {
    /// All lines of text.
    pub(crate) fn placed(&self) -> Vec<Placed> {
        let of = |(page, mark): (usize, &Mark)| match mark {
            Mark::Text { line, x, baseline } => Some(Placed {
                page,
                left: *x,
                right: x + line.width,
                baseline: *baseline,
                text: line.text.clone(),
            }),
            _ => None,
        };
        let sheets = self.sheets.iter().enumerate();
        sheets
            .flat_map(|(page, sheet)| sheet.marks.iter().map(move |(_, mark)| (page, mark)))
            .filter_map(of)
            .collect()
    }

    /// Asserts that nothing is beyond the margins.
    pub(crate) fn assert_inside(&self) {
        for line in self.placed() {
            assert!(line.left >= SIDE && line.right <= SIDE + WIDTH + 2, "{line:?}");
            assert!(line.baseline > pt(30) && line.baseline < PAGE_HEIGHT - pt(30), "{line:?}");
        }
        for mark in self.sheets.iter().flat_map(|sheet| &sheet.marks).map(|(_, mark)| mark) {
            if let Mark::Area { corners, .. } = mark {
                for (x, y) in corners {
                    assert!((SIDE..=SIDE + WIDTH).contains(x), "{mark:?}");
                    assert!((FIRST_TOP.min(TOP) - pt(40)..=PAGE_HEIGHT - pt(30)).contains(y), "{mark:?}");
                }
            }
        }
    }
}

fn about() -> About {
    About {
        title: "Title".to_owned(),
        author: "Author".to_owned(),
        language: "en",
        on: "2026-11-25".parse().unwrap(),
    }
}

fn laid(build: impl Fn(&mut Flow)) -> Laid {
    let mut flow = Flow::new(&Brand::default()).unwrap();
    build(&mut flow);
    flow.finish(&Running { left: "L".repeat(300), right: "R".repeat(300), foot: "F".repeat(300) })
}

#[test]
fn an_empty_document_has_a_page() {
    let laid = laid(|_| {});
    assert_eq!(laid.sheets.len(), 1);
    laid.assert_inside();
    assert!(write(&laid, &about()).unwrap().starts_with(b"%PDF-"));
}

#[test]
fn a_heading_stays_with_what_it_stands_over() {
    for filler in 30..60 {
        let laid = laid(|flow| {
            let style = flow.theme.body;
            for _ in 0..filler {
                flow.paragraph("A line of its own.", style, 0);
            }
            flow.heading(2, "Heading");
            flow.paragraph("Its first words.", style, 0);
        });
        let placed = laid.placed();
        let page = |text: &str| placed.iter().find(|line| line.text == text).unwrap().page;
        assert_eq!(page("Heading"), page("Its first words."), "{filler}");
    }
}

#[test]
fn no_line_of_a_paragraph_is_left_alone() {
    let text = "Seven words make one line of text. ".repeat(24);
    for filler in 30..60 {
        let laid = laid(|flow| {
            let style = flow.theme.body;
            for _ in 0..filler {
                flow.paragraph("Filler.", style, 0);
            }
            flow.paragraph(&text, style, 0);
        });
        let mut pages = [0; 3];
        for line in laid.placed().iter().filter(|line| line.text.contains("words")) {
            pages[line.page] += 1;
        }
        assert!(pages.iter().all(|lines| *lines != 1), "{filler}: {pages:?}");
    }
}

#[test]
fn a_table_goes_on_under_the_same_head() {
    let laid = laid(|flow| {
        let mut table = Table::new(vec![Column::text("Name"), Column::number("Figure")]);
        for row in 0..200 {
            table.row(vec![format!("Row {row}").into(), row.to_string().into()]);
        }
        table.sum(vec!["Sum".into(), "19,900".into()]);
        flow.table(&table);
    });
    let placed = laid.placed();
    for page in 0..laid.sheets.len() {
        assert_eq!(
            placed.iter().filter(|line| line.page == page && line.text == "Name").count(),
            1,
            "{page}"
        );
    }
    let page = |text: &str| placed.iter().find(|line| line.text == text).unwrap().page;
    assert_eq!(page("Sum"), page("Row 199"));
    assert!((0..200).all(|row| placed.iter().filter(|line| line.text == format!("Row {row}")).count() == 1));
    let right: Vec<Unit> =
        placed.iter().filter(|line| line.text.parse::<u32>().is_ok()).map(|line| line.right).collect();
    assert!(right.windows(2).all(|two| (two[0] - two[1]).abs() <= 1), "numbers end at one edge");
    laid.assert_inside();
}

#[test]
fn a_row_that_is_higher_than_a_page_goes_on() {
    let essay = "Everything that was ever said about these seats. ".repeat(300);
    let laid = laid(|flow| {
        let mut table = Table::new(vec![Column::text("Who"), Column::text("What")]);
        table.row(vec!["Bea".into(), Cell::noted("Said", Some(essay.clone()))]);
        flow.table(&table);
    });
    assert!(laid.sheets.len() > 1);
    let said: Vec<String> = laid.placed().into_iter().map(|line| line.text).collect();
    assert_eq!(said.join(" ").matches("Everything").count(), 300);
    assert!(laid.placed().iter().all(|line| line.baseline <= BOTTOM || line.baseline > BOTTOM + pt(20)));
    laid.assert_inside();
}

#[test]
fn a_currency_stays_with_its_amount() {
    let shaper = Shaper::new().unwrap();
    let style = Theme::of(&Brand::default()).body;
    for width in 60..300 {
        let lines = wrap(&shaper, "which comes to USD 1,352.00 and EUR 10.00 before tax", style, pt(width));
        assert!(
            lines.iter().all(|line| !line.text.ends_with("USD") && !line.text.ends_with("EUR")),
            "{width}"
        );
    }
}

#[test]
fn a_logo_is_read_with_limits() {
    let png = png(3, 2, &[200; 18]);
    let logo = Logo::read_png(&png).unwrap();
    assert_eq!((logo.width, logo.height, &logo.rgba[..4]), (3, 2, &[200, 200, 200, 255][..]));
    assert_eq!(Logo::read(b"GIF89a"), Err(LogoError::Format));
    assert_eq!(Logo::read(b""), Err(LogoError::Format));
    assert_eq!(Logo::read(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), Err(LogoError::Format));
    assert_eq!(Logo::read(&vec![0x89; 300_000]), Err(LogoError::Large));
    assert_eq!(Logo::read(&png[..png.len() / 2]), Err(LogoError::Damaged));
    assert_eq!(Logo::read(b"\xff\xd8\xff\xe0 not a picture"), Err(LogoError::Damaged));
    let mut wide = png.clone();
    wide[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    assert!(matches!(Logo::read(&wide), Err(LogoError::Damaged | LogoError::Wide)));
    // Small as a file, and 9 million points.
    let bomb = self::png(3000, 3000, &vec![0; 27_000_000]);
    assert!(bomb.len() < 256 * 1024, "{}", bomb.len());
    assert_eq!(Logo::read(&bomb), Err(LogoError::Wide));
    for cut in 0..png.len() {
        assert!(Logo::read(&png[..cut]).is_err() || cut + 12 >= png.len());
    }
}

fn png(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(rgb).unwrap();
    out
}

#[test]
fn a_logo_that_cannot_be_read_leaves_the_name() {
    let brand = |logo: Vec<u8>| Brand { logo: Some(logo), ..Brand::default() };
    let build = |brand: &Brand| {
        let mut flow = Flow::new(brand).unwrap();
        flow.letterhead("Example MSP", &["Right".to_owned()]);
        flow.finish(&Running::default())
    };
    let named = build(&brand(b"nothing".to_vec()));
    assert!(named.logo.is_none() && named.placed().iter().any(|line| line.text == "Example MSP"));
    let drawn = build(&brand(png(300, 100, &vec![90; 90_000])));
    assert!(drawn.logo.is_some());
    let named = drawn.placed().into_iter().find(|line| line.text == "Example MSP");
    assert!(named.is_some_and(|line| line.left > SIDE + WIDTH / 2), "the name stands at the right");
    drawn.assert_inside();
    write(&drawn, &about()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn whatever_the_words_no_line_is_too_wide_and_nothing_is_lost(text in "(\\PC{0,60} ?){0,6}", width in 30_i64..400) {
        let shaper = Shaper::new().unwrap();
        let style = Theme::of(&Brand::default()).body;
        let lines = wrap(&shaper, &text, style, pt(width));
        for line in &lines {
            // A single character may be wider than a very narrow column.
            prop_assert!(line.width <= pt(width) || line.text.chars().count() == 1, "{line:?}");
            for glyph in &line.glyphs {
                prop_assert!(line.text.get(glyph.range.clone()).is_some());
            }
        }
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        let all: String = lines.iter().map(|line| line.text.as_str()).collect();
        prop_assert_eq!(bare(&all), bare(&crate::visible::plain(&text)));
    }

    #[test]
    fn any_words_can_be_written(text in "\\PC{0,80}") {
        let laid = laid(|flow| {
            let style = flow.theme.body;
            flow.heading(2, &text);
            flow.paragraph(&text, style, 0);
            let mut table = Table::new(vec![Column::text(&text), Column::number("N")]);
            table.row(vec![text.as_str().into(), text.as_str().into()]);
            flow.table(&table);
        });
        laid.assert_inside();
        prop_assert!(write(&laid, &about()).is_ok());
    }
}
