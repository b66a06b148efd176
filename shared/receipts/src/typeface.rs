//! Lays out text in the embedded font: shapes it for its script, puts it into visual order, and breaks it into lines.
//!
//! Lengths are in font units unless stated otherwise. `units_per_em` font units are as long as the text size.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use krilla::geom::Point;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Face, UnicodeBuffer};
use unicode_bidi::BidiInfo;

static DATA: &[u8] = include_bytes!("../font/DejaVuSans.ttf");
static TYPEFACE: LazyLock<Option<Typeface>> = LazyLock::new(|| {
    let shaper = Face::from_slice(DATA, 0)?;
    let font = Font::new(DATA.into(), 0)?;
    let square = shaper.glyph_index('□')?;
    let substitute = (u32::from(square.0), i32::from(shaper.glyph_hor_advance(square)?));
    Some(Typeface { units_per_em: i64::from(shaper.units_per_em().max(1)), shaper, font, substitute })
});

/// The unit of lengths on a page: a thousandth of a point, which is 1/72 inch.
pub(crate) type Millipoints = i64;

/// The embedded font.
pub(crate) struct Typeface {
    shaper: Face<'static>,
    font: Font,
    units_per_em: i64,
    /// The glyph that is drawn for a character that the font lacks, and its width. It is an ordinary glyph, because not every
    /// PDF reader copies the text behind glyph 0, which fonts reserve for this purpose.
    substitute: (u32, i32),
}

/// One line of text.
pub(crate) struct Line {
    runs: Vec<Run>,
    /// The length of the line, in font units.
    advance: i64,
    /// Whether the font lacks a character of the line.
    pub has_missing: bool,
}

/// A part of a line with one writing direction.
struct Run {
    /// The byte offset of the run in the text of the line.
    start: usize,
    text: String,
    glyphs: Vec<KrillaGlyph>,
    advance: i64,
    has_missing: bool,
}

/// Converts a length to the floating-point number that the PDF library expects.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "coordinates of a PDF are real numbers"
)]
pub(crate) fn ratio(value: i64, whole: i64) -> f32 {
    value as f32 / whole as f32
}

impl Typeface {
    /// The font of every document. `None` if it cannot be read; the tests show that it can.
    pub(crate) fn get() -> Option<&'static Self> {
        TYPEFACE.as_ref()
    }

    /// Lays out a text as one line.
    pub(crate) fn line(&self, text: &str) -> Line {
        let bidi = BidiInfo::new(text, None);
        let mut line = Line { runs: Vec::new(), advance: 0, has_missing: false };
        for paragraph in &bidi.paragraphs {
            let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for range in runs {
                let backwards = levels.get(range.start).is_some_and(|level| level.is_rtl());
                let start = range.start;
                let Some(text) = text.get(range) else { continue };
                let run = self.run(start, text, backwards);
                line.advance += run.advance;
                line.has_missing |= run.has_missing;
                line.runs.push(run);
            }
        }
        line
    }

    fn run(&self, start: usize, text: &str, backwards: bool) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if backwards { Direction::RightToLeft } else { Direction::LeftToRight });
        let shaped = rustybuzz::shape(&self.shaper, &[], buffer);
        // A glyph represents the text from the start of its cluster to the start of the next cluster.
        let starts: BTreeSet<usize> =
            shaped.glyph_infos().iter().map(|info| info.cluster as usize).chain([text.len()]).collect();
        let (mut advance, mut has_missing) = (0, false);
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).map(|(info, position)| {
            let cluster = info.cluster as usize;
            let end = starts.range(cluster + 1..).next().copied().unwrap_or(text.len());
            let missing = info.glyph_id == 0;
            let (glyph, x_advance) =
                if missing { self.substitute } else { (info.glyph_id, position.x_advance) };
            has_missing |= missing;
            advance += i64::from(x_advance);
            let em = |units: i32| ratio(units.into(), self.units_per_em);
            KrillaGlyph::new(
                GlyphId::new(glyph),
                em(x_advance),
                em(position.x_offset),
                em(position.y_offset),
                em(position.y_advance),
                cluster..end,
                None,
            )
        });
        let glyphs = glyphs.collect();
        Run { start, text: text.to_owned(), glyphs, advance, has_missing }
    }

    /// Breaks a text into lines of at most `room` at this size. A line breaks at a space, or inside a word that does not fit on
    /// a line of its own.
    pub(crate) fn wrap(&self, text: &str, size: Millipoints, room: Millipoints) -> Vec<Line> {
        let fits = |text: &str| self.width(&self.line(text), size) <= room;
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let mut word = word;
            if let Some(last) = lines.last_mut() {
                let longer = format!("{last} {word}");
                if fits(&longer) {
                    *last = longer;
                    continue;
                }
            }
            while !fits(word) {
                let (head, tail) = word.split_at(self.last_break(word, fits));
                if tail.is_empty() {
                    break;
                }
                lines.push(head.to_owned());
                word = tail;
            }
            lines.push(word.to_owned());
        }
        lines.iter().map(|text| self.line(text)).collect()
    }

    /// The byte offset at which to break a word: the end of the longest prefix that fits, and at least one character. Breaks
    /// only between characters as a reader sees them.
    fn last_break(&self, word: &str, fits: impl Fn(&str) -> bool) -> usize {
        let line = self.line(word);
        let glyphs = line
            .runs
            .iter()
            .flat_map(|run| run.glyphs.iter().map(|glyph| run.start + glyph.text_range.start));
        let ends: BTreeSet<usize> = glyphs.chain([word.len()]).filter(|end| *end > 0).collect();
        let fitting = ends.iter().copied().filter(|end| word.get(..*end).is_some_and(&fits)).max();
        fitting.or_else(|| ends.first().copied()).unwrap_or(word.len())
    }

    /// The length of a line at this size.
    pub(crate) fn width(&self, line: &Line, size: Millipoints) -> Millipoints {
        line.advance * size / self.units_per_em
    }

    /// Draws a line. `x` and `y` are the left end of its baseline.
    pub(crate) fn draw(
        &self,
        surface: &mut Surface<'_>,
        line: &Line,
        (x, y): (Millipoints, Millipoints),
        size: Millipoints,
    ) {
        let mut before = 0;
        for run in &line.runs {
            let start = x + before * size / self.units_per_em;
            let point = Point::from_xy(ratio(start, 1_000), ratio(y, 1_000));
            surface.draw_glyphs(point, &run.glyphs, self.font.clone(), &run.text, ratio(size, 1_000), false);
            before += run.advance;
        }
    }
}
