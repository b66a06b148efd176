//! Who may call each route, stated independently of the code that decides it.
//!
//! If a route has no entry here, the tests do not compile.

use http_api::Audience;
use serde_json::{Value, json};

use app::identity::signed_in::Role;
use domain::experts::members::Right;

use crate::harness::{Offer, TestApp, billing_details, office_hours, paid_hour};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Everybody, with any token or none.
    Anybody,
    /// A payment provider, by its signature; a token does not count.
    Provider,
    /// Every signed-in person, for their own data.
    SignedIn,
    /// Every person with this role.
    Has(Role),
    /// The expert in the path, and members with this right. Others get 403, because the existence of the resource is not a secret.
    Acts(Right),
    /// The expert in the path, members with this right, and administrators. Others get 403.
    ActsOrAdmin(Right),
    /// The expert in the path, and the member in the path. Others get 403.
    ExpertOrMemberThemself,
    /// Everybody who is signed in and has the secret of the invitation. Others get 404.
    Secret,
    /// The expert and the client of an appointment, members of the expert, and administrators. Others get 404.
    Party,
    /// Like [`Rule::Party`], but members need this right. Members without it get 403.
    PartyWith(Right),
    /// The expert of an appointment, members with this right, and administrators. The client and other members get 403, others get
    /// 404.
    ExpertOrAdmin(Right),
    /// The expert of an appointment, and members with this right. The client, other members and administrators get 403, others get
    /// 404.
    OnlyExpert(Right),
    /// The client of an appointment, and administrators. The expert and members get 403, others get 404.
    ClientOrAdmin,
    /// The client of an appointment. The expert, members and administrators get 403, others get 404.
    OnlyClient,
    /// The expert and the client of an appointment, and members of the expert. Administrators get 403, others get 404.
    EitherSide,
    /// The expert who wrote a private note, and members. Others get 404, the client and administrators too.
    Author,
    /// Administrators who have no side in an appointment. Those who are its expert or client get 404; members and others get 403.
    Arbiter,
    /// Administrators who do not act for the expert in the path. Others get 403.
    Impartial,
    /// Administrators who do not act for the expert in the path, and have booked no session with them. Others get 403.
    Uninvolved,
    /// The platform itself. Others get 403. No route has this rule.
    Platform,
    /// For a list of an expert's appointments: the expert, for whom it is empty without the role, and members. Others get 403.
    ListOfExpert,
    /// For a list of a client's appointments: the client, for whom it is empty without the role. Others get 403.
    ListOfClient,
}

/// A route: who may call it, and a request that is not refused because of the person who sends it.
#[derive(Clone, Copy)]
pub struct Entry {
    pub function: &'static str,
    pub rule: Rule,
    pub query: &'static str,
    pub body: fn(&Offer) -> Value,
}

const fn entry(function: &'static str, rule: Rule) -> Entry {
    Entry { function, rule, query: "", body: |_| Value::Null }
}

impl Entry {
    const fn asks(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    const fn sends(self, body: fn(&Offer) -> Value) -> Self {
        Self { body, ..self }
    }
}

/// The entries of all routes.
pub const MATRIX: &[Entry] = &[
    entry("health", Rule::Anybody),
    entry("read_openapi", Rule::Anybody),
    entry("read_person", Rule::SignedIn),
    entry("replace_person", Rule::SignedIn).sends(|_| json!({ "language": "en" })),
    entry("read_suspension", Rule::Has(Role::Admin)),
    entry("suspend_person", Rule::Has(Role::Admin))
        .sends(|_| json!({ "suspended": false, "reason": "Settled" })),
    entry("list_notifications", Rule::SignedIn),
    entry("read_notifications", Rule::SignedIn)
        .sends(|_| json!({ "until": "ntf_00000000000000000000000001" })),
    entry("create_expert", Rule::Has(Role::Expert)).sends(|_| profile()),
    entry("read_expert", Rule::Anybody),
    entry("read_profile", Rule::ActsOrAdmin(Right::Schedule)),
    entry("suspend_expert", Rule::Uninvolved).sends(|_| json!({ "suspended": false })),
    entry("replace_expert", Rule::Acts(Right::Schedule)).sends(|_| profile()),
    entry("read_availability", Rule::Acts(Right::Schedule)),
    entry("replace_availability", Rule::Acts(Right::Schedule)).sends(|_| office_hours()),
    entry("create_session_type", Rule::Acts(Right::Money)).sends(|_| paid_hour()),
    entry("list_session_types", Rule::Anybody),
    entry("list_own_session_types", Rule::ActsOrAdmin(Right::Schedule)),
    entry("read_session_type", Rule::Anybody),
    entry("replace_session_type", Rule::Acts(Right::Schedule)).sends(|_| paid_hour()),
    entry("retire_session_type", Rule::Acts(Right::Schedule)),
    entry("offer_session_type_again", Rule::Acts(Right::Money)),
    entry("create_invitation", Rule::Acts(Right::Account)).sends(|_| member()),
    entry("read_invitation", Rule::Acts(Right::Account)),
    entry("accept_invitation", Rule::Secret).sends(|_| json!({ "secret": "0".repeat(32) })),
    entry("withdraw_invitation", Rule::Acts(Right::Account)),
    entry("list_members", Rule::Acts(Right::Account)),
    entry("replace_member", Rule::Acts(Right::Account)).sends(|_| member()),
    entry("remove_member", Rule::ExpertOrMemberThemself),
    entry("list_memberships", Rule::SignedIn),
    entry("list_slots", Rule::Anybody),
    entry("read_exchange_rates", Rule::Anybody),
    entry("read_billing_details", Rule::Acts(Right::Money)),
    entry("replace_billing_details", Rule::Acts(Right::Money)).sends(|_| billing_details()),
    entry("list_receipts", Rule::Acts(Right::Money)).asks("?year=2027"),
    entry("start_onboarding", Rule::Acts(Right::Account)),
    entry("read_payment_account", Rule::Acts(Right::Account)),
    entry("read_expert_terms", Rule::Has(Role::Admin)),
    entry("set_expert_terms", Rule::Impartial).sends(|_| json!({ "basis_points": 0 })),
    entry("book_appointment", Rule::Has(Role::Client))
        .sends(|offer| TestApp::booking(offer, "2027-01-05T14:00:00Z")),
    entry("list_appointments", Rule::SignedIn).asks("?as=client"),
    entry("read_appointment", Rule::Party),
    entry("read_payment", Rule::Party),
    entry("quote_cancellation", Rule::Party),
    entry("cancel_appointment", Rule::Party),
    entry("quote_reschedule", Rule::EitherSide).asks("?start=2027-01-05T12:00:00Z"),
    entry("reschedule_appointment", Rule::OnlyClient).sends(|_| json!({ "start": "2027-01-05T12:00:00Z" })),
    entry("propose_times", Rule::EitherSide).sends(|_| json!({ "starts": ["2027-01-05T12:00:00Z"] })),
    entry("accept_proposal", Rule::EitherSide).sends(|_| json!({ "start": "2027-01-05T12:00:00Z" })),
    entry("decline_proposal", Rule::EitherSide),
    entry("withdraw_proposal", Rule::EitherSide),
    entry("complete_appointment", Rule::ExpertOrAdmin(Right::Schedule)),
    // Only a report that the expert did not come needs another right.
    entry("mark_no_show", Rule::Party).sends(|_| json!({ "missed_by": "client" })),
    entry("quote_no_show", Rule::Party),
    // Nobody reported a no-show, so those who may object get 409.
    entry("object_to_no_show", Rule::Party),
    entry("replace_details", Rule::ClientOrAdmin).sends(|_| json!({ "topic": "Engines" })),
    entry("list_history", Rule::Party),
    entry("list_notes", Rule::Party),
    entry("create_note", Rule::EitherSide).sends(|_| json!({ "text": "x" })),
    entry("read_note", Rule::Author),
    entry("replace_note", Rule::Author).sends(|_| json!({ "text": "x" })),
    entry("delete_note", Rule::Author),
    entry("read_own_reliability", Rule::SignedIn),
    entry("read_reliability", Rule::Has(Role::Admin)),
    entry("refund_appointment", Rule::OnlyExpert(Right::Money))
        .sends(|_| json!({ "amount": { "amount": 1, "currency": "EUR" } })),
    entry("resolve_escalation", Rule::Arbiter).sends(|_| json!({ "resolution": "try_again" })),
    entry("list_ledger", Rule::Acts(Right::Money)),
    entry("read_earnings", Rule::Acts(Right::Money)).asks("?from=2027-01-01&to=2027-01-31"),
    entry("read_commission", Rule::Has(Role::Admin)).asks("?from=2027-01-01&to=2027-01-31"),
    entry("list_escalations", Rule::Has(Role::Admin)),
    entry("list_refund_costs", Rule::Has(Role::Admin)).asks("?month=2027-01"),
    entry("list_differences", Rule::Has(Role::Admin)),
    entry("list_failing_jobs", Rule::Has(Role::Admin)),
    entry("retry_job", Rule::Has(Role::Admin)),
    entry("list_appointment_receipts", Rule::PartyWith(Right::Money)),
    entry("read_receipt", Rule::PartyWith(Right::Money)),
    entry("payment_webhook", Rule::Provider).sends(|_| json!({ "id": "evt_1" })),
];

fn member() -> Value {
    json!({ "role": "manager", "name": "Mallory" })
}

fn profile() -> Value {
    json!({ "name": "Mallory", "headline": "x" })
}

/// Checks at compile time that each route has one entry, whose rule is consistent with the route's audience.
const _: () = {
    let mut at = 0;
    while at < functions::ROUTES.len() {
        let route = &functions::ROUTES[at];
        let mut entries = 0;
        let mut line = 0;
        while line < MATRIX.len() {
            if same(route.function, MATRIX[line].function) {
                entries += 1;
                let fits = match MATRIX[line].rule {
                    Rule::Anybody => matches!(route.audience, Audience::Public),
                    Rule::Provider => matches!(route.audience, Audience::Provider),
                    Rule::SignedIn
                    | Rule::Acts(_)
                    | Rule::ActsOrAdmin(_)
                    | Rule::ExpertOrMemberThemself
                    | Rule::Secret
                    | Rule::Party
                    | Rule::PartyWith(_)
                    | Rule::ExpertOrAdmin(_)
                    | Rule::OnlyExpert(_)
                    | Rule::ClientOrAdmin
                    | Rule::OnlyClient
                    | Rule::EitherSide
                    | Rule::Author => matches!(route.audience, Audience::SignedIn),
                    Rule::Platform | Rule::ListOfExpert | Rule::ListOfClient => false,
                    Rule::Has(Role::Expert) => {
                        matches!(route.audience, Audience::Only(Role::Expert))
                    }
                    Rule::Has(Role::Client) => matches!(route.audience, Audience::Only(Role::Client)),
                    Rule::Has(Role::Admin) | Rule::Arbiter | Rule::Impartial | Rule::Uninvolved => {
                        matches!(route.audience, Audience::Only(Role::Admin))
                    }
                };
                if !fits {
                    refuse("the rule contradicts the audience of the route ", route.function);
                }
            }
            line += 1;
        }
        match entries {
            0 => refuse("the matrix has no entry for the route ", route.function),
            1 => {}
            _ => refuse("the matrix has several entries for the route ", route.function),
        }
        at += 1;
    }
    let mut line = 0;
    while line < MATRIX.len() {
        let mut at = 0;
        while at < functions::ROUTES.len() && !same(functions::ROUTES[at].function, MATRIX[line].function) {
            at += 1;
        }
        if at == functions::ROUTES.len() {
            refuse("no table of routes has the function of the entry ", MATRIX[line].function);
        }
        line += 1;
    }
};

/// Stops the compilation with this message, which ends with the name of a function. A message that is formatted at compile time can
/// have only one argument.
const fn refuse(problem: &str, function: &str) -> ! {
    let mut text = [0; 200];
    let (problem, function) = (problem.as_bytes(), function.as_bytes());
    let mut at = 0;
    while at < problem.len() + function.len() {
        text[at] = if at < problem.len() { problem[at] } else { function[at - problem.len()] };
        at += 1;
    }
    match str::from_utf8(text.split_at(at).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("a name in the matrix is no UTF-8"),
    }
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}
