//! Tables for spreadsheets, as CSV (RFC 4180): UTF-8, with a header row and lines that end in CR LF.
//!
//! Spreadsheets run a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula. Text that begins so
//! gets an apostrophe in front, which makes spreadsheets read it as text. A number needs no apostrophe, so a negative amount
//! stays a number that spreadsheets can add up.

use domain::payments::report::SignedMoney;
use http::StatusCode;
use http::header::CONTENT_DISPOSITION;

use crate::{Problem, Response};

/// The media type of CSV (RFC 7111).
pub const MEDIA_TYPE: &str = "text/csv";

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text, which spreadsheets never run as a formula.
    Text(String),
    /// An amount as an exact decimal number. Its currency is in another cell.
    Amount(SignedMoney),
}

impl Cell {
    /// A cell with this text.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    fn render(&self) -> String {
        match self {
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
            Self::Text(text) => text.clone(),
            Self::Amount(money) => money.decimal(),
        }
    }
}

impl From<SignedMoney> for Cell {
    fn from(money: SignedMoney) -> Self {
        Self::Amount(money)
    }
}

/// Renders a table with these columns as CSV.
///
/// # Errors
/// If the CSV writer fails.
pub fn write<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [Cell; N]>,
) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(columns)?;
    for row in rows {
        writer.write_record(row.iter().map(Cell::render))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A response with a table as a file of this name, for browsers to save.
pub fn response<const N: usize>(
    name: &str,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [Cell; N]>,
) -> Response {
    match write(columns, rows) {
        Ok(text) => Response::file(StatusCode::OK, "text/csv; charset=utf-8; header=present", text)
            .header(CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\"")),
        Err(error) => {
            tracing::error!(%error, "a response cannot be written as CSV");
            Problem::internal().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Currency;

    #[test]
    fn text_is_never_a_formula_and_amounts_are_always_numbers() {
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
        for (text, expected) in cases {
            let table = write(["one", "two"], [[Cell::text(text), Cell::text("x")]]).expect("a table");
            assert_eq!(table, format!("one,two\r\n{expected},x\r\n"), "{text:?}");
        }
        let money = |amount| Cell::from(SignedMoney::new(amount, Currency::EUR));
        let table = write(["a", "b"], [[money(-1_205), money(5)]]).expect("a table");
        assert_eq!(table, "a,b\r\n-12.05,0.05\r\n");
    }

    #[test]
    fn a_table_without_rows_has_its_header_row() {
        assert_eq!(write(["a", "b"], []).expect("a table"), "a,b\r\n");
    }

    #[test]
    fn a_table_is_sent_as_an_attachment() {
        let response = response("earnings.csv", ["a"], [[Cell::text("b")]]);
        assert_eq!(response.headers["content-type"], "text/csv; charset=utf-8; header=present");
        assert_eq!(response.headers["content-disposition"], "attachment; filename=\"earnings.csv\"");
        assert_eq!(response.into_text(), "a\r\nb\r\n");
    }
}
