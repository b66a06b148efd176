//! Tables for spreadsheets, as CSV (RFC 4180): UTF-8, a header row, lines that end in CR LF.
//!
//! Spreadsheets take a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula, and run it. Such
//! texts get an apostrophe in front, which spreadsheets read as "this is text". Figures are no texts: they are made from
//! numbers alone, so one below zero keeps its bare minus and can be added up.

use domain::payments::report::SignedMoney;
use http::StatusCode;
use http::header::CONTENT_DISPOSITION;

use crate::{Answer, Problem};

/// The media type of a sheet (RFC 7111).
pub const MEDIA_TYPE: &str = "text/csv";

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// What somebody may have written: never read as a formula.
    Text(String),
    /// An exact decimal number; its currency stands in another cell.
    Figure(SignedMoney),
}

impl Cell {
    /// A text.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    fn show(&self) -> String {
        match self {
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
            Self::Text(text) => text.clone(),
            Self::Figure(money) => money.decimal(),
        }
    }
}

impl From<SignedMoney> for Cell {
    fn from(money: SignedMoney) -> Self {
        Self::Figure(money)
    }
}

/// Writes a sheet of these columns.
///
/// # Errors
/// When a row has another number of cells.
pub fn write<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [Cell; N]>,
) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(columns)?;
    for row in rows {
        writer.write_record(row.iter().map(Cell::show))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Answers a sheet as a file with this name, to be kept and not shown.
pub fn answer<const N: usize>(
    name: &str,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [Cell; N]>,
) -> Answer {
    match write(columns, rows) {
        Ok(sheet) => Answer::file(StatusCode::OK, "text/csv; charset=utf-8; header=present", sheet)
            .header(CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\"")),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as CSV");
            Problem::internal().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Currency;

    #[test]
    fn texts_are_never_formulas_and_figures_are_always_numbers() {
        let cases = [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("Zoë", "Zoë"),
        ];
        for (text, shown) in cases {
            let sheet = write(["one", "two"], [[Cell::text(text), Cell::text("x")]]).expect("a sheet");
            assert_eq!(sheet, format!("one,two\r\n{shown},x\r\n"), "{text:?}");
        }
        let money = |amount| Cell::from(SignedMoney::new(amount, Currency::EUR));
        let sheet = write(["a", "b"], [[money(-1_205), money(5)]]).expect("a sheet");
        assert_eq!(sheet, "a,b\r\n-12.05,0.05\r\n");
    }

    #[test]
    fn a_sheet_without_rows_has_its_header() {
        assert_eq!(write(["a", "b"], []).expect("a sheet"), "a,b\r\n");
    }

    #[test]
    fn a_sheet_is_a_file_to_keep() {
        let answer = answer("earnings.csv", ["a"], [[Cell::text("b")]]);
        assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8; header=present");
        assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"earnings.csv\"");
        assert_eq!(answer.into_text(), "a\r\nb\r\n");
    }
}
