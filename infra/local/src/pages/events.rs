//! What the event bus was told. `/events`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{json, page};
use crate::{Published, Surroundings};

/// Shows the latest events, newest first.
pub(super) async fn show(State(surroundings): State<Surroundings>) -> Response {
    let published = surroundings.bus.published();
    let body = html! {
        p { "What integrators hear, newest first. Each may come more than once, with the same id. This list begins anew \
             with each start." }
        (list(&published, usize::MAX))
    };
    page(&surroundings, StatusCode::OK, "Events", &body)
}

/// So many of the latest events.
pub(super) fn list(published: &[Published], most: usize) -> Markup {
    html! {
        @if published.is_empty() {
            p.soft { "None since the start." }
        } @else {
            ul.plain {
                @for event in published.iter().rev().take(most) {
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
