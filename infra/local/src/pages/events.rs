//! `/events`: the published events.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{json, page};
use crate::{Environment, Published};

/// Renders the page.
pub(super) async fn show(State(environment): State<Environment>) -> Response {
    let published = environment.bus.published();
    let body = html! {
        p { "The events that subscribers receive, the newest first. An event can be delivered more than once, with the same \
             id. The list is empty after each start." }
        (list(&published, usize::MAX))
    };
    page(&environment, StatusCode::OK, "Events", &body)
}

/// The latest events, at most `limit` of them, the newest first.
pub(super) fn list(published: &[Published], limit: usize) -> Markup {
    html! {
        @if published.is_empty() {
            p.soft { "No events since the start." }
        } @else {
            ul.plain {
                @for event in published.iter().rev().take(limit) {
                    li {
                        details {
                            summary { strong { (event.kind) } " " code.soft { (event.id) } }
                            (json(&event.detail))
                        }
                    }
                }
            }
        }
    }
}
