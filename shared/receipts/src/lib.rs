//! Renders a receipt as a web page and as a PDF. Both have the same content, and the same receipt always gives the same bytes.
//! Each tax has a line, and the net amount and the taxes add up to the total. If Stripe was to calculate taxes and there are none,
//! the reason is shown.
//!
//! The page can show every script for which the reader's device has a font. The PDF embeds one font, DejaVu Sans, reduced to the
//! characters in use. It covers Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic among others, with the shaping and
//! the line order that these scripts need. It lacks Chinese, Japanese, Korean and most Indian scripts. Characters that the font
//! lacks are drawn as boxes, can still be copied as text, and are explained by a note.

mod page;
mod pdf;
mod sheet;
mod typeface;

pub use page::{CONTENT_SECURITY_POLICY, html};
pub use pdf::{PdfError, pdf};
