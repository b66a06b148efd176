//! What runs, and how to go on. `/`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::kernel::time::DAY;
use domain::{TimeSpan, Timestamp};
use maud::{Markup, html};

use super::layout::{command, page};
use super::{events, slots_command};
use crate::surroundings::Offered;
use crate::{QueueState, Surroundings, demo};

/// How many events are shown here.
const EVENTS: usize = 8;

/// Shows what runs.
pub(super) async fn show(State(surroundings): State<Surroundings>) -> Response {
    let commands = commands(&surroundings).await;
    let published = surroundings.bus.published();
    let body = html! {
        p { "Experts publish when they can be booked; clients find a slot, pay, and get a confirmed appointment." }
        (addresses(&surroundings))
        section aria-labelledby="people" {
            h2 #people { "People to sign in as" }
            p { "No password is asked for. A token is good for an hour; send it as "
                code { "Authorization: Bearer …" } "." }
            ul.plain {
                @for somebody in surroundings.people() {
                    li.row {
                        strong { (somebody.name) }
                        span.soft { (somebody.groups.join(", ")) }
                        form method="post"
                            action={ (surroundings.addresses.sign_in) "/people/" (somebody.subject) "/token" } {
                            button { "A token for " (somebody.subject) }
                        }
                    }
                }
            }
            p { a href="/sign-in" { "Sign in as an application would" }
                ", with the authorization code flow and PKCE." }
        }
        section aria-labelledby="try" {
            h2 #try { "Try it" }
            @for (what, text) in &commands {
                p { (what) }
                (command(text))
            }
        }
        (queue(&surroundings.queue.inspect()))
        section aria-labelledby="events" {
            h2 #events { "Latest events" }
            (events::list(&published, EVENTS))
            @if published.len() > EVENTS { p { a href="/events" { "All " (published.len()) " events" } } }
        }
    };
    page(&surroundings, StatusCode::OK, "What is running", &body)
}

fn addresses(surroundings: &Surroundings) -> Markup {
    let addresses = &surroundings.addresses;
    html! {
        section aria-labelledby="addresses" {
            h2 #addresses { "Addresses" }
            dl.pairs {
                dt { "API" }
                dd { code { (addresses.api) } " · " a href="/api" { "description" } " · "
                    a href="/openapi.json" { "OpenAPI document" } " · " (functions::ROUTES.len()) " routes" }
                dt { "Stripe" }
                dd {
                    @match &addresses.stripe_simulator {
                        Some(url) => {
                            code { (url) } " · a simulator · " a href={ (url) "/" } { "its books" }
                        }
                        None => "the real one, with the keys from the environment",
                    }
                }
                dt { "PayPal" }
                dd {
                    @match &addresses.paypal_simulator {
                        Some(url) => {
                            code { (url) } " · a simulator · " a href={ (url) "/" } { "its books" }
                        }
                        None => "the real one, with the keys from the environment",
                    }
                }
                dt { "Exchange rates" }
                dd {
                    @match &addresses.ecb_simulator {
                        Some(url) => {
                            code { (url) } " · a simulator of the European Central Bank · "
                            a href={ (url) "/" } { "its file of the day" }
                        }
                        None => "the real ones, from the address in the environment",
                    }
                    " · " a href="/v1/exchange-rates" { "those in force" }
                }
                dt { "Sign-in" }
                dd { code { (addresses.sign_in) } " · " a href={ (addresses.sign_in) "/" } { "people" } " · "
                    a href={ (addresses.sign_in) "/.well-known/openid-configuration" } { "discovery" } }
                dt { "Database" }
                dd { code { (addresses.database) } " · speaks DynamoDB" }
                dt { "Data" }
                dd {
                    @match &surroundings.data {
                        Some(folder) => { code { (folder.display()) } " · delete it to start afresh" }
                        None => "in memory only",
                    }
                }
                dt { "For programs" }
                dd { a href="/local.json" { "local.json" } }
            }
        }
    }
}

async fn commands(surroundings: &Surroundings) -> Vec<(&'static str, String)> {
    let addresses = &surroundings.addresses;
    let mut commands = vec![("Is it there?", format!("curl {}/health", addresses.api))];
    match surroundings.offered().await {
        Some(offered) => {
            let from = surroundings.app.now().plus(DAY);
            let slots = slots_command(&addresses.api, &offered, from, demo::own_zone());
            commands.push(("When can the expert be booked?", slots));
            let token = format!(
                "TOKEN=$(curl -sX POST {}/people/alan/token | sed 's/.*\"access_token\":\"\\([^\"]*\\).*/\\1/')",
                addresses.sign_in
            );
            commands.push(("Sign in as a client", token));
            if let Some(stripe) = &addresses.stripe_simulator {
                commands.extend(booking(&addresses.api, stripe, &offered, from, surroundings).await);
            }
            let list = format!(
                "curl -H \"Authorization: Bearer $TOKEN\" '{}/v1/appointments?as=client'",
                addresses.api
            );
            commands.push(("What did they book?", list));
        }
        None => {
            let demo = "cargo run -- demo".to_owned();
            commands
                .push(("Nobody offers anything yet. This publishes, books, pays, moves and refunds:", demo));
        }
    }
    commands
}

/// Commands that book the next free slot and pay for it.
async fn booking(
    api: &str,
    stripe: &str,
    offered: &Offered,
    from: Timestamp,
    surroundings: &Surroundings,
) -> Vec<(&'static str, String)> {
    let Offered { expert, session_type } = offered;
    let week = TimeSpan::new(from, from.plus(7 * DAY));
    let slots = app::scheduling::slots::list(&surroundings.app, *expert, *session_type, week)
        .await
        .unwrap_or_default();
    let Some(slot) = slots.first() else { return Vec::new() };
    let body = serde_json::json!({
        "expert_id": expert,
        "session_type_id": session_type,
        "start": slot.start,
        "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": demo::own_zone() },
    });
    let book = format!(
        "BOOKED=$(curl -sX POST {api}/v1/appointments -H \"Authorization: Bearer $TOKEN\" \\\n  \
         -H \"Idempotency-Key: $(date +%s%N)\" -H 'Content-Type: application/json' \\\n  -d '{body}'); echo \"$BOOKED\""
    );
    let member = |name: &str| format!("$(echo \"$BOOKED\" | sed 's/.*\"{name}\":\"\\([^\"]*\\).*/\\1/')");
    let pay = format!(
        "curl -X POST \"{}/pay/{}?client_secret={}\" -d number=4242424242424242",
        stripe.trim_end_matches('/'),
        member("intent"),
        member("client_secret")
    );
    vec![
        ("Book the next free slot; the answer holds the intent and the client_secret to pay with", book),
        ("Pay, as the client's browser would; or open that address, or pay from Stripe's books", pay),
    ]
}

fn queue(state: &QueueState) -> Markup {
    html! {
        section aria-labelledby="queue" {
            h2 #queue { "Work that is owed" }
            dl.pairs {
                dt { "Waiting" } dd { (state.waiting) }
                dt { "Worked off since the start" } dd { (state.delivered) }
                dt { "Dead letters" }
                dd {
                    @if state.set_aside.is_empty() { span.good { "none" } }
                    @else { span.bad { (state.set_aside.len()) } }
                }
            }
            @if !state.set_aside.is_empty() {
                ul { @for letter in &state.set_aside { li { code { (letter) } } } }
            }
        }
    }
}
