//! A receipt as a PDF: A4, with an embedded font, selectable text, and tags for screen readers.

use std::num::NonZeroU16;

use chrono::{Datelike, Timelike};
use domain::Timestamp;
use domain::receipts::receipt::Receipt;
use krilla::Document;
use krilla::color::luma;
use krilla::geom::{PathBuilder, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag, Tag, TagGroup, TagTree};

use crate::sheet::Sheet;
use crate::typeface::{Line, Millipoints, Typeface, ratio};

/// A4, 210 × 297 mm.
const PAGE: (Millipoints, Millipoints) = (595_276, 841_890);
/// The page margin: 20 mm.
const MARGIN: Millipoints = 56_693;
/// The width between the margins.
const ROOM: Millipoints = PAGE.0 - 2 * MARGIN;
/// The distance from the left margin to the values of facts.
const VALUES: Millipoints = 130_000;
/// The minimum distance between a label and the amount on its right.
const GAP: Millipoints = 20_000;
const TITLE: Millipoints = 20_000;
const TEXT: Millipoints = 10_000;
const SMALL: Millipoints = 8_500;
/// The distance between baselines, in tenths of the text size.
const LEADING: Millipoints = 15;

const BLACK: u8 = 0;
const GRAY: u8 = 96;

/// The reason why a PDF cannot be rendered. Either is a fault of this program, so it is logged and not shown to users.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The embedded font cannot be read.
    #[error("the embedded font cannot be read")]
    Font,
    /// The document cannot be written.
    #[error("the document cannot be written: {0}")]
    Unwritable(String),
}

/// A row of the layout.
enum Row {
    Space(Millipoints),
    Rule,
    Text(Text),
}

struct Text {
    size: Millipoints,
    shade: u8,
    /// The lines on one baseline, each with its distance from the left margin.
    lines: Vec<(Millipoints, Line)>,
    heading: bool,
}

/// The rows from top to bottom, before they are split into pages.
struct Layout<'a> {
    typeface: &'a Typeface,
    rows: Vec<Row>,
    has_missing: bool,
}

impl Layout<'_> {
    fn row(&mut self, size: Millipoints, shade: u8, lines: Vec<(Millipoints, Line)>) {
        self.has_missing |= lines.iter().any(|(_, line)| line.has_missing);
        self.rows.push(Row::Text(Text { size, shade, lines, heading: size == TITLE }));
    }

    fn paragraph(&mut self, size: Millipoints, shade: u8, text: &str) {
        for line in self.typeface.wrap(text, size, ROOM) {
            self.row(size, shade, vec![(0, line)]);
        }
    }

    fn space(&mut self, height: Millipoints) {
        self.rows.push(Row::Space(height));
    }

    /// A label with a value on its right.
    fn fact(&mut self, name: &str, value: &str) {
        let mut name = Some(self.typeface.line(name));
        for line in self.typeface.wrap(value, TEXT, ROOM - VALUES) {
            let lines = name.take().map(|name| (0, name)).into_iter().chain([(VALUES, line)]);
            self.row(TEXT, BLACK, lines.collect());
        }
    }

    /// A label with an amount at the right margin.
    fn amount(&mut self, name: &str, amount: &str, size: Millipoints) {
        let amount = self.typeface.line(amount);
        let width = self.typeface.width(&amount, size);
        let mut amount = Some((ROOM - width, amount));
        for line in self.typeface.wrap(name, size, ROOM - width - GAP) {
            self.row(size, BLACK, [(0, line)].into_iter().chain(amount.take()).collect());
        }
    }
}

fn lay_out<'a>(typeface: &'a Typeface, sheet: &Sheet) -> Layout<'a> {
    let mut layout = Layout { typeface, rows: Vec::new(), has_missing: false };
    layout.paragraph(TITLE, BLACK, &sheet.title);
    if let Some(note) = &sheet.note {
        layout.space(4_000);
        layout.paragraph(TEXT, BLACK, note);
    }
    for (heading, lines) in [("From", &sheet.issuer), ("For", &sheet.recipient)] {
        layout.space(14_000);
        layout.paragraph(SMALL, GRAY, heading);
        for line in lines {
            layout.paragraph(TEXT, BLACK, line);
        }
    }
    layout.space(14_000);
    for (name, value) in &sheet.facts {
        layout.fact(name, value);
    }
    layout.space(14_000);
    layout.rows.push(Row::Rule);
    for line in &sheet.service {
        layout.paragraph(TEXT, BLACK, line);
    }
    layout.rows.push(Row::Rule);
    for (name, amount) in &sheet.parts {
        layout.amount(name, amount, TEXT);
    }
    layout.amount(sheet.total.0, &sheet.total.1, TEXT + 2_000);
    if let Some(remark) = &sheet.remark {
        layout.space(8_000);
        layout.paragraph(TEXT, BLACK, remark);
    }
    if layout.has_missing {
        layout.space(20_000);
        let note = "The boxes stand for characters that this document's font lacks. They can be copied as text, and the web \
                    page of this receipt shows them.";
        layout.paragraph(SMALL, GRAY, note);
    }
    layout
}

impl Row {
    fn height(&self) -> Millipoints {
        match self {
            Self::Space(height) => *height,
            Self::Rule => 9_000,
            Self::Text(text) => text.size * LEADING / 10,
        }
    }

    /// Draws the row below `top`, and returns its tag for screen readers.
    fn draw(&self, typeface: &Typeface, surface: &mut Surface<'_>, top: Millipoints) -> Option<TagGroup> {
        match self {
            Self::Space(_) => None,
            Self::Rule => {
                let (x, y) = (ratio(MARGIN, 1_000), ratio(top + 3_000, 1_000));
                let mut path = PathBuilder::new();
                path.push_rect(Rect::from_xywh(x, y, ratio(ROOM, 1_000), ratio(500, 1_000))?);
                surface.set_fill(Some(shade(GRAY)));
                surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
                surface.draw_path(&path.finish()?);
                surface.end_tagged();
                None
            }
            Self::Text(text) => {
                surface.set_fill(Some(shade(text.shade)));
                let content = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
                for (x, line) in &text.lines {
                    typeface.draw(surface, line, (MARGIN + x, top + text.size), text.size);
                }
                surface.end_tagged();
                let mut group = if text.heading {
                    TagGroup::new(Tag::Hn(NonZeroU16::MIN, None))
                } else {
                    TagGroup::new(Tag::P)
                };
                group.push(content);
                Some(group)
            }
        }
    }
}

fn shade(lightness: u8) -> Fill {
    Fill { paint: luma::Color::new(lightness).into(), opacity: NormalizedF32::ONE, ..Fill::default() }
}

/// Renders the PDF. Its creation date is the receipt's date of issue, so the result depends on the receipt alone.
///
/// # Errors
/// Only if this program has a fault; see [`PdfError`].
pub fn pdf(receipt: &Receipt) -> Result<Vec<u8>, PdfError> {
    let typeface = Typeface::get().ok_or(PdfError::Font)?;
    let sheet = Sheet::of(receipt);
    let mut document = Document::new();
    let mut tags = TagTree::new();
    let mut rows = lay_out(typeface, &sheet).rows.into_iter().peekable();
    while rows.peek().is_some() {
        let settings = PageSettings::from_wh(ratio(PAGE.0, 1_000), ratio(PAGE.1, 1_000));
        let mut page = document.start_page_with(settings.unwrap_or_default());
        let mut surface = page.surface();
        let mut top = MARGIN;
        // The first row of a page is drawn whatever its height, so that the loop ends.
        while let Some(row) = rows.next_if(|row| top == MARGIN || top + row.height() <= PAGE.1 - MARGIN) {
            if let Some(group) = row.draw(typeface, &mut surface, top) {
                tags.push(group);
            }
            top += row.height();
        }
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tags);
    document.set_metadata(
        Metadata::new()
            .title(sheet.title)
            .authors(vec![receipt.issuer.name.to_string()])
            .language("en".to_owned())
            .document_id(receipt.id.to_string())
            .creation_date(date_time(receipt.issued_at)),
    );
    document.finish().map_err(|error| PdfError::Unwritable(format!("{error:?}")))
}

/// Converts an instant to the PDF library's type, in UTC.
fn date_time(at: Timestamp) -> DateTime {
    let at = at.utc();
    // Every part of an instant except its year is below 60.
    let small = |part: u32| u8::try_from(part).unwrap_or_default();
    DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
