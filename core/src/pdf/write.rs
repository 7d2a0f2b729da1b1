//! Finished pages to the bytes of a PDF.
//!
//! The one place in this crate with floats: the library wants its coordinates so. Whole thousandths of a
//! point come in, nothing is computed with them here, and no money passes through.
#![expect(clippy::disallowed_types, reason = "coordinates of the PDF library; nothing is computed with them")]

use super::PdfError;
use super::brand::Colour;
use super::flow::Laid;
use super::font::{Face, UNITS};
use super::logo::Logo;
use super::sheet::{Bookmark, Kind, Mark, Node, Owner, Tree};
use super::text::Line;
use super::unit::{PAGE_HEIGHT, PAGE_WIDTH, Unit};
use chrono::{Datelike as _, NaiveDate};
use krilla::Document;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{Path, PathBuilder, Point, Size, Transform};
use krilla::image::Image;
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TableHeaderScope, Tag, TagGroup, TagKind,
    TagTree,
};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use std::num::NonZeroU16;

/// What is said about a document, beside what it says.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Its title.
    pub(crate) title: String,
    /// Who wrote it.
    pub(crate) author: String,
    /// Its language.
    pub(crate) language: &'static str,
    /// Its day.
    pub(crate) on: NaiveDate,
}

/// Thousandths as the library wants them. Pages are far smaller than what is exact in a float.
fn exact(length: Unit) -> f32 {
    let part = |unit: Unit| f32::from(i16::try_from(unit).unwrap_or(i16::MAX));
    part(length.div_euclid(1000)) + part(length.rem_euclid(1000)) / 1000.0
}

/// Font units as parts of the letters' size.
fn em(units: i32) -> f32 {
    let whole = f32::from(i16::try_from(UNITS).unwrap_or(i16::MAX));
    f32::from(i16::try_from(units).unwrap_or(0)) / whole
}

/// Writes a document. The same pages give the same bytes.
///
/// # Errors
/// When the library refuses, which no page of ours should bring about.
pub(crate) fn write(laid: &Laid, about: &About) -> Result<Vec<u8>, PdfError> {
    let mut document = Document::new();
    let font = |face: Face| Font::new(face.bytes().to_vec().into(), 0).ok_or(PdfError::Font);
    let pen = Pen {
        regular: font(Face::Regular)?,
        semi_bold: font(Face::SemiBold)?,
        logo: laid.logo.as_ref().map(picture),
    };
    let mut said: Vec<Vec<Identifier>> = vec![Vec::new(); laid.tree.nodes.len()];
    let size = || PageSettings::from_wh(exact(PAGE_WIDTH), exact(PAGE_HEIGHT));
    for sheet in &laid.sheets {
        let settings = size().ok_or_else(|| PdfError::Write("the page has no size".to_owned()))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for marks in sheet.marks.chunk_by(|one, next| one.0 == next.0) {
            let Some((owner, _)) = marks.first() else { continue };
            let identifier = surface.start_tagged(match owner {
                Owner::Node(_) => ContentTag::Span(SpanTag::empty()),
                Owner::Head => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Header)),
                Owner::Foot => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)),
                Owner::Decor => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
            });
            for (_, mark) in marks {
                pen.draw(&mut surface, mark);
            }
            surface.end_tagged();
            if let Owner::Node(node) = owner
                && let Some(said) = said.get_mut(*node)
            {
                said.push(identifier);
            }
        }
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tagged(&laid.tree, &mut said));
    document.set_outline(outline(&laid.bookmarks));
    document.set_metadata(metadata(about));
    document.finish().map_err(|error| PdfError::Write(format!("{error:?}").chars().take(300).collect()))
}

fn picture(logo: &Logo) -> Image {
    Image::from_rgba8(logo.rgba.clone(), logo.width, logo.height)
}

fn metadata(about: &About) -> Metadata {
    let part = |number: u32| u8::try_from(number).unwrap_or(1);
    let year = u16::try_from(about.on.year()).unwrap_or(0);
    let date = DateTime::new(year)
        .month(part(about.on.month()))
        .day(part(about.on.day()))
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(about.title.clone())
        .authors(vec![about.author.clone()])
        .language(about.language.to_owned())
        .creator("Leakage Finder".to_owned())
        .creation_date(date)
}

/// What draws.
struct Pen {
    regular: Font,
    semi_bold: Font,
    logo: Option<Image>,
}

impl Pen {
    fn draw(&self, surface: &mut Surface<'_>, mark: &Mark) {
        match mark {
            Mark::Text { line, x, baseline } => self.text(surface, line, *x, *baseline),
            Mark::Area { corners, colour } => {
                if let Some(path) = polygon(corners) {
                    surface.set_fill(Some(fill(*colour)));
                    surface.draw_path(&path);
                }
            }
            Mark::Logo { x, y, width, height } => {
                if let (Some(logo), Some(size)) = (&self.logo, Size::from_wh(exact(*width), exact(*height))) {
                    surface.push_transform(&Transform::from_translate(exact(*x), exact(*y)));
                    surface.draw_image(logo.clone(), size);
                    surface.pop();
                }
            }
        }
    }

    fn text(&self, surface: &mut Surface<'_>, line: &Line, x: Unit, baseline: Unit) {
        let glyphs: Vec<KrillaGlyph> = line
            .glyphs
            .iter()
            .map(|glyph| {
                KrillaGlyph::new(
                    GlyphId::new(glyph.id),
                    em(glyph.advance),
                    em(glyph.x_offset),
                    em(glyph.y_offset),
                    0.0,
                    glyph.range.clone(),
                    None,
                )
            })
            .collect();
        let font = match line.style.face {
            Face::Regular => &self.regular,
            Face::SemiBold => &self.semi_bold,
        };
        surface.set_fill(Some(fill(line.style.colour)));
        let from = Point::from_xy(exact(x), exact(baseline));
        surface.draw_glyphs(from, &glyphs, font.clone(), &line.text, exact(line.style.size), false);
    }
}

fn fill(colour: Colour) -> Fill {
    let [red, green, blue] = colour.parts();
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn polygon(corners: &[(Unit, Unit)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    let ((x, y), rest) = corners.split_first()?;
    path.move_to(exact(*x), exact(*y));
    for (x, y) in rest {
        path.line_to(exact(*x), exact(*y));
    }
    path.close();
    path.finish()
}

/// Sections under titles.
fn outline(bookmarks: &[Bookmark]) -> Outline {
    let node = |bookmark: &Bookmark| {
        let place = XyzDestination::new(bookmark.page, Point::from_xy(0.0, exact(bookmark.y)));
        OutlineNode::new(bookmark.title.clone(), place)
    };
    let mut outline = Outline::new();
    for bookmark in bookmarks {
        outline.push_child(node(bookmark));
    }
    outline
}

/// The tree of what a document says, without what says nothing.
fn tagged(tree: &Tree, said: &mut [Vec<Identifier>]) -> TagTree {
    let mut children: Vec<Vec<Node>> = vec![Vec::new(); tree.nodes.len()];
    let mut roots = Vec::new();
    for (node, (_, parent)) in tree.nodes.iter().enumerate() {
        match parent {
            Some(parent) => children[*parent].push(node),
            None => roots.push(node),
        }
    }
    let mut tags = TagTree::new();
    for root in roots {
        if let Some(group) = group(tree, &children, said, root) {
            tags.push(group);
        }
    }
    tags
}

fn group(tree: &Tree, children: &[Vec<Node>], said: &mut [Vec<Identifier>], node: Node) -> Option<TagGroup> {
    let mut group = TagGroup::new(tag(&tree.nodes.get(node)?.0));
    let mut empty = true;
    for identifier in said.get_mut(node).map(std::mem::take).unwrap_or_default() {
        group.push(identifier);
        empty = false;
    }
    // Tables are three deep.
    for child in children.get(node).into_iter().flatten() {
        if let Some(child) = self::group(tree, children, said, *child) {
            group.push(child);
            empty = false;
        }
    }
    // A cell without text is a cell all the same: without it the others would move.
    let stays = matches!(tree.nodes[node].0, Kind::Cell | Kind::HeadCell);
    (!empty || stays).then_some(group)
}

fn tag(kind: &Kind) -> TagKind {
    match kind {
        Kind::Heading(level, title) => {
            Tag::Hn(NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN), Some(title.clone())).into()
        }
        Kind::Paragraph => Tag::P.into(),
        Kind::Figure(alt) => Tag::Figure(Some(alt.clone())).into(),
        Kind::Table => Tag::Table.into(),
        Kind::Row => Tag::TR.into(),
        Kind::HeadCell => Tag::TH(TableHeaderScope::Column).into(),
        Kind::Cell => Tag::TD.into(),
    }
}
