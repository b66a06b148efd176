//! The page that shows the books of a payment service: balances, the newest objects, events and webhooks.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::DateTime;
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::balances::Balance;
use crate::faults::Faults;
use crate::pages;
use crate::webhooks::Deliveries;

/// How many rows of each kind are shown.
pub(crate) const ROWS: usize = 50;

/// An amount in minor units of a currency, as people write it.
type Display = fn(i64, &str) -> String;

/// The sections of the page.
pub(crate) struct Books {
    display: Display,
    sections: Vec<(&'static str, Markup)>,
}

impl Books {
    pub(crate) fn new(display: Display, balances: &[Balance]) -> Self {
        let mut books = Self { display, sections: Vec::new() };
        books.section("Balances", "owner amount", balances.iter().rev().map(|balance| json!(balance)));
        books
    }

    /// Adds a table of objects of the API, which come oldest first. `columns` are the members to show, or the
    /// JSON pointers to them without the first slash.
    pub(crate) fn section(
        &mut self,
        title: &'static str,
        columns: &str,
        rows: impl DoubleEndedIterator<Item = Value>,
    ) {
        self.section_with(title, columns, rows, html! {});
    }

    /// Adds a table and something below it.
    pub(crate) fn section_with(
        &mut self,
        title: &'static str,
        columns: &str,
        rows: impl DoubleEndedIterator<Item = Value>,
        below: Markup,
    ) {
        let members: Vec<&str> = columns.split_ascii_whitespace().collect();
        let rows: Vec<Value> = rows.rev().take(ROWS).collect();
        let numbers = |member: &&str| rows.iter().any(|row| is_amount(member, row));
        let headings: Vec<String> = members
            .iter()
            .map(|member| if numbers(member) { format!("#{member}") } else { (*member).to_owned() })
            .map(|heading| heading.replace(['_', '/'], " "))
            .collect();
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        let cells = rows.iter().map(|row| members.iter().map(|member| self.cell(member, row)).collect());
        let table = pages::table(&headings, cells);
        self.sections.push((title, html! { (table) (below) }));
    }

    /// The text of a member: amounts with their currency, moments as dates, lists with commas.
    fn cell(&self, member: &str, row: &Value) -> String {
        let value = member_of(member, row);
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::Array(items) => {
                let texts: Vec<String> = items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                    .collect();
                texts.join(", ")
            }
            Value::Object(_) => match (value["value"].as_str(), value["currency_code"].as_str()) {
                (Some(amount), Some(currency)) => format!("{amount} {currency}"),
                _ => value.to_string(),
            },
            Value::Number(number) => match (number.as_i64(), row["currency"].as_str()) {
                (Some(amount), Some(currency)) if is_amount(member, row) => (self.display)(amount, currency),
                (Some(seconds), _) if member != "status" => moment(seconds),
                _ => number.to_string(),
            },
        }
    }

    /// Ends the page with the webhooks and the faults. `payers` is what the books call those who pay.
    pub(crate) fn page(
        mut self,
        service: &str,
        payers: &str,
        deliveries: &Deliveries,
        faults: &Faults,
    ) -> Response {
        let attempts = deliveries.attempts.iter().map(|attempt| json!(attempt));
        self.section("Webhook attempts", "at kind event status retry_at url", attempts);
        let body = html! {
            p.note {
                "A simulator of " (service) ": no money moves. The newest of everything comes first. What "
                (payers) " paid, and what " (service) " keeps, are the other side of the books: each currency "
                "adds up to zero."
            }
            @for (title, content) in self.sections { h2 { (title) } (content) }
            h2 { "Faults" }
            pre { (serde_json::to_string_pretty(faults).unwrap_or_default()) }
        };
        pages::page(StatusCode::OK, &format!("{service}, simulated"), body)
    }
}

fn member_of<'a>(member: &str, row: &'a Value) -> &'a Value {
    row.pointer(&format!("/{member}")).unwrap_or(&Value::Null)
}

/// Whether a member is an amount of money rather than a moment.
fn is_amount(member: &str, row: &Value) -> bool {
    let named = ["amount", "fee", "net"].iter().any(|name| member.contains(name));
    let value = member_of(member, row);
    named && (value.is_number() && row["currency"].is_string() || value["currency_code"].is_string())
}

/// A moment in Unix seconds as people write it.
fn moment(unix_seconds: i64) -> String {
    let moment = DateTime::from_timestamp(unix_seconds, 0);
    moment
        .map_or_else(|| unix_seconds.to_string(), |moment| moment.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}
