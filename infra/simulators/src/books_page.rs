//! The page that shows the books of a payment service: who has how much, and what happened.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::html::{self, escape, table};
use crate::webhooks::Outbox;

/// How many rows of each kind are shown.
pub(crate) const ROWS: usize = 50;

/// The page of a service with what is there of each kind, as title and markup. `payers` is what its books call
/// all who pay.
pub(crate) fn page(service: &str, payers: &str, sections: &[(&str, String)]) -> Response {
    let mut body = format!(
        "<p class=\"note\">A simulator of {service}: no money moves. The latest of everything comes first. What \
         {payers} paid, and what {service} keeps, are the other side of the books: each currency adds up to \
         zero.</p>"
    );
    for (title, content) in sections {
        body.push_str(&format!("<h2>{}</h2>{content}", escape(title)));
    }
    html::page(StatusCode::OK, &format!("{service}, simulated"), &body)
}

/// A table of the latest rows.
pub(crate) fn latest<'a, T: 'a>(
    headings: &[&str],
    rows: impl DoubleEndedIterator<Item = &'a T>,
    cells: impl Fn(&T) -> Vec<String>,
) -> String {
    table(headings, &rows.rev().take(ROWS).map(cells).collect::<Vec<_>>())
}

/// The attempts to deliver webhooks, with their times as the page writes them.
pub(crate) fn attempts(webhooks: &Outbox, time: fn(i64) -> String) -> String {
    let headings = ["Sent", "Type", "Event", "Answer", "Again at", "To"];
    latest(&headings, webhooks.attempts.iter(), |row| {
        vec![
            time(row.at),
            row.kind.clone(),
            row.event.clone(),
            row.status.map_or("no answer".to_owned(), |status| status.to_string()),
            row.retry_at.map(time).unwrap_or_default(),
            row.url.clone(),
        ]
    })
}

/// The misbehaviour that is switched on.
pub(crate) fn switches(switches: &impl Serialize) -> String {
    format!("<pre>{}</pre>", escape(&serde_json::to_string_pretty(switches).unwrap_or_default()))
}

pub(crate) fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}
