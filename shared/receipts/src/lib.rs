//! Receipts to look at: as a web page and as a PDF. Both show the same sheet, and the same receipt always gives the same
//! bytes. Each tax has a line, and the net amount and the taxes add up to the total; where Stripe was to calculate taxes and there are
//! none, both say why.
//!
//! The page shows every script that the reader's device has. The PDF has one font embedded, DejaVu Sans, cut down to the
//! characters in use: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic among others, with letters joined and
//! lines ordered as their script needs. What the font lacks, Chinese, Japanese, Korean and most scripts of India among it,
//! is drawn as boxes that still hold the characters for whoever copies them, and a note says so.

mod page;
mod pdf;
mod sheet;
mod typeface;

pub use page::{CONTENT_SECURITY_POLICY, html};
pub use pdf::{PdfError, pdf};
