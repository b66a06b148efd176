//! `/`: what is running, and commands to try.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Timestamp;
use domain::kernel::time::DAY;
use maud::{Markup, html};

use super::curl::{CLIENT, token};
use super::layout::{command, page};
use super::{events, first_slot, slots_command};
use crate::environment::Offer;
use crate::{Environment, QueueState, demo};

/// The number of events on this page.
const EVENTS: usize = 8;
/// The number of failing jobs that this page counts.
const MAX_FAILING: u16 = 100;

/// Renders the page.
pub(super) async fn show(State(environment): State<Environment>) -> Response {
    let (commands, failing) = (commands(&environment).await, failing_jobs(&environment).await);
    let published = environment.bus.published();
    let body = html! {
        p { "Experts publish when they can be booked; clients find a slot, pay, and get a confirmed appointment." }
        (addresses(&environment))
        section aria-labelledby="people" {
            h2 #people { "People to sign in as" }
            p { "No password is needed. A token is valid for an hour; send it as "
                code { "Authorization: Bearer …" } ". The commands of this page and of the " a href="/api" { "API reference" }
                " read it from the variable " code { "TOKEN" } "." }
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
            @for (what, text) in &commands.list {
                p { (what) }
                (command(text))
            }
            @if let Some(problem) = &commands.problem { p.problem role="alert" { (problem) } }
        }
        section aria-labelledby="jobs" {
            h2 #jobs { "Jobs" }
            @for queue in environment.queues.iter() { (jobs(queue.failure_domain.as_str(), &queue.inspect())) }
            (failing)
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

/// What to try: commands, and why there are not more of them.
#[derive(Default)]
struct Commands {
    /// What each command does, and the command.
    list: Vec<(&'static str, String)>,
    /// Why nothing can be booked.
    problem: Option<String>,
}

async fn commands(environment: &Environment) -> Commands {
    let addresses = &environment.addresses;
    let mut commands = Commands::default();
    commands.list.push(("Check that the API responds:", format!("curl {}/health", addresses.api)));
    let offer = match environment.first_offer().await {
        Ok(Some(offer)) => offer,
        Ok(None) => {
            let what =
                "There is no session type yet. This command publishes, books, pays, reschedules and refunds:";
            commands.list.push((what, demo::command(&addresses.api)));
            return commands;
        }
        Err(error) => {
            tracing::error!(%error, "the session types cannot be read");
            commands.problem = Some("The database did not respond. Reload this page.".to_owned());
            return commands;
        }
    };
    let from = environment.app.now().plus(DAY);
    let slots = slots_command(&addresses.api, &offer, from, demo::local_zone());
    commands.list.push(("List the free slots of a week:", slots));
    commands.list.push(("Sign in as a client:", token(&addresses.sign_in, CLIENT)));
    if let Some(stripe) = &addresses.stripe_simulator {
        match first_slot(environment, &offer, from).await {
            Ok(start) => commands.list.extend(booking(&addresses.api, stripe, &offer, start)),
            Err(problem) => commands.problem = Some(problem),
        }
    }
    let list =
        format!("curl -H \"Authorization: Bearer $TOKEN\" '{}/v1/appointments?as=client'", addresses.api);
    commands.list.push(("List the client's appointments:", list));
    commands
}

/// Commands that book a slot and pay for it.
fn booking(api: &str, stripe: &str, offer: &Offer, start: Timestamp) -> [(&'static str, String); 2] {
    let body = serde_json::json!({
        "expert_id": offer.expert,
        "session_type_id": offer.session_type,
        "duration_minutes": offer.duration_minutes,
        "start": start,
        "gateway": "stripe",
        "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": demo::local_zone() },
    });
    let id = "$(echo \"$BOOKED\" | sed 's/.*\"id\":\"\\(apt_[^\"]*\\).*/\\1/')";
    let book = format!(
        "BOOKED=$(curl -sX POST {api}/v1/appointments -H \"Authorization: Bearer $TOKEN\" \\\n  \
         -H \"Idempotency-Key: $(date +%s%N)\" -H 'Content-Type: application/json' \\\n  -d '{body}'); echo \"$BOOKED\"\n\
         APPOINTMENT={id}"
    );
    let member = |name: &str| format!("$(echo \"$BOOKED\" | sed 's/.*\"{name}\":\"\\([^\"]*\\).*/\\1/')");
    let pay = format!(
        "curl -X POST \"{}/pay/{}?client_secret={}\" -d number=4242424242424242",
        stripe.trim_end_matches('/'),
        member("intent"),
        member("client_secret")
    );
    [
        (
            "Book the next free slot. The response has the intent and the client_secret for paying, and the id, which the reference calls $APPOINTMENT:",
            book,
        ),
        ("Pay as the client's browser does. You can also open this URL, or pay from Stripe's books:", pay),
    ]
}

/// How many jobs fail. Administrators see which ones.
async fn failing_jobs(environment: &Environment) -> Markup {
    let (class, text) = match environment.app.store.failing_jobs(None, MAX_FAILING).await {
        Ok(page) => match (page.entries.len(), page.next) {
            (0, None) => ("good", "No job fails.".to_owned()),
            (1, None) => ("bad", "1 job fails.".to_owned()),
            (count, None) => ("bad", format!("{count} jobs fail.")),
            (count, Some(_)) => ("bad", format!("More than {count} jobs fail.")),
        },
        Err(error) => {
            tracing::error!(%error, "the failing jobs cannot be read");
            ("bad", "The database did not respond. Reload this page.".to_owned())
        }
    };
    html! {
        p { span class=(class) { (text) } " Administrators see failing jobs at " code { "GET /v1/failing-jobs" } "." }
    }
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
