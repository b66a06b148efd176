//! `/`: what is running, and commands to try.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::kernel::time::DAY;
use domain::{TimeSpan, Timestamp};
use maud::{Markup, html};

use super::layout::{command, page};
use super::{events, slots_command};
use crate::environment::Offer;
use crate::{Environment, QueueState, demo};

/// The number of events on this page.
const EVENTS: usize = 8;

/// Renders the page.
pub(super) async fn show(State(environment): State<Environment>) -> Response {
    let commands = commands(&environment).await;
    let published = environment.bus.published();
    let body = html! {
        p { "Experts publish when they can be booked; clients find a slot, pay, and get a confirmed appointment." }
        (addresses(&environment))
        section aria-labelledby="people" {
            h2 #people { "People to sign in as" }
            p { "No password is needed. A token is valid for an hour; send it as "
                code { "Authorization: Bearer …" } "." }
            ul.plain {
                @for user in environment.people() {
                    li.row {
                        strong { (user.name) }
                        span.soft { (user.groups.join(", ")) }
                        form method="post"
                            action={ (environment.addresses.sign_in) "/people/" (user.subject) "/token" } {
                            button { "Get a token for " (user.subject) }
                        }
                    }
                }
            }
            p { a href="/sign-in" { "Sign in as an application does" }
                ", with the authorization code flow and PKCE." }
        }
        section aria-labelledby="try" {
            h2 #try { "Try it" }
            @for (what, text) in &commands {
                p { (what) }
                (command(text))
            }
        }
        section aria-labelledby="jobs" {
            h2 #jobs { "Jobs" }
            @for queue in environment.queues.iter() { (jobs(queue.failure_domain.as_str(), &queue.inspect())) }
            p { "Administrators see jobs that fail at " code { "GET /v1/failing-jobs" } "." }
        }
        section aria-labelledby="events" {
            h2 #events { "Latest events" }
            (events::list(&published, EVENTS))
            @if published.len() > EVENTS { p { a href="/events" { "All " (published.len()) " events" } } }
        }
    };
    page(&environment, StatusCode::OK, "What is running", &body)
}

fn addresses(environment: &Environment) -> Markup {
    let addresses = &environment.addresses;
    html! {
        section aria-labelledby="addresses" {
            h2 #addresses { "Addresses" }
            dl.pairs {
                dt { "API" }
                dd { code { (addresses.api) } " · " a href="/api" { "reference" } " · "
                    a href="/openapi.json" { "OpenAPI document" } " · " (functions::ROUTES.len()) " routes" }
                dt { "Stripe" }
                dd {
                    @match &addresses.stripe_simulator {
                        Some(url) => {
                            code { (url) } " · simulator · " a href={ (url) "/" } { "its books" }
                        }
                        None => "your own account, with the keys from the environment variables",
                    }
                }
                dt { "PayPal" }
                dd {
                    @match &addresses.paypal_simulator {
                        Some(url) => {
                            code { (url) } " · simulator · " a href={ (url) "/" } { "its books" }
                        }
                        None => "your own account, with the keys from the environment variables",
                    }
                }
                dt { "Exchange rates" }
                dd {
                    @match &addresses.ecb_simulator {
                        Some(url) => {
                            code { (url) } " · simulator of the European Central Bank · "
                            a href={ (url) "/" } { "its file of today" }
                        }
                        None => "real rates, from ECB_RATES_URL",
                    }
                    " · " a href="/v1/exchange-rates" { "current rates" }
                }
                dt { "Sign-in" }
                dd { code { (addresses.sign_in) } " · " a href={ (addresses.sign_in) "/" } { "people" } " · "
                    a href={ (addresses.sign_in) "/.well-known/openid-configuration" } { "discovery" } }
                dt { "Database" }
                dd { code { (addresses.database) } " · DynamoDB's protocol" }
                dt { "Data" }
                dd {
                    @match &environment.data {
                        Some(folder) => { code { (folder.display()) } " · delete it to start with an empty system" }
                        None => "in memory",
                    }
                }
                dt { "For programs" }
                dd { a href="/local.json" { "local.json" } }
            }
        }
    }
}

async fn commands(environment: &Environment) -> Vec<(&'static str, String)> {
    let addresses = &environment.addresses;
    let mut commands = vec![("Check that the API responds:", format!("curl {}/health", addresses.api))];
    match environment.first_offer().await {
        Some(offer) => {
            let from = environment.app.now().plus(DAY);
            let slots = slots_command(&addresses.api, &offer, from, demo::local_zone());
            commands.push(("List the free slots of a week:", slots));
            let token = format!(
                "TOKEN=$(curl -sX POST {}/people/alan/token | sed 's/.*\"access_token\":\"\\([^\"]*\\).*/\\1/')",
                addresses.sign_in
            );
            commands.push(("Sign in as a client:", token));
            if let Some(stripe) = &addresses.stripe_simulator {
                commands.extend(booking(&addresses.api, stripe, &offer, from, environment).await);
            }
            let list = format!(
                "curl -H \"Authorization: Bearer $TOKEN\" '{}/v1/appointments?as=client'",
                addresses.api
            );
            commands.push(("List the client's appointments:", list));
        }
        None => {
            let demo = "cargo run -- demo".to_owned();
            commands.push((
                "There is no session type yet. This command publishes, books, pays, reschedules and refunds:",
                demo,
            ));
        }
    }
    commands
}

/// Commands that book the next free slot and pay for it; none if there is no free slot in the week after `from`.
async fn booking(
    api: &str,
    stripe: &str,
    offered: &Offer,
    from: Timestamp,
    environment: &Environment,
) -> Vec<(&'static str, String)> {
    let Offer { expert, session_type } = offered;
    let week = TimeSpan::new(from, from.plus(7 * DAY));
    let listed = app::scheduling::slots::list(
        &environment.app,
        &app::identity::Actor::Anonymous,
        *expert,
        *session_type,
        None,
        week,
    )
    .await;
    let slot = listed.ok().and_then(|listed| listed.slots.first().copied());
    let Some(slot) = slot else { return Vec::new() };
    let body = serde_json::json!({
        "expert_id": expert,
        "session_type_id": session_type,
        "start": slot.start,
        "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": demo::local_zone() },
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
        ("Book the next free slot. The response contains the intent and the client_secret for paying:", book),
        ("Pay as the client's browser does. You can also open this URL, or pay from Stripe's books:", pay),
    ]
}

fn jobs(domain: &str, state: &QueueState) -> Markup {
    html! {
        h3 { (domain) }
        dl.pairs {
            dt { "In the queue" } dd { (state.waiting) }
            dt { "Processed since the start" } dd { (state.processed) }
            dt { "Dead letters" }
            dd {
                @if state.dead_letters.is_empty() { span.good { "none" } }
                @else { span.bad { (state.dead_letters.len()) } }
            }
        }
        @if !state.dead_letters.is_empty() {
            ul { @for letter in &state.dead_letters { li { code { (letter) } } } }
        }
    }
}
