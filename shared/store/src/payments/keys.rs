//! Keys of payments, payment accounts, the ledger, reconciliation, exchange rates and webhook events.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | client, expert, jobs | the payment of an appointment | table | `APT#<id>` | `PAY` |
//! | client, expert, jobs | the ledger entries of an appointment | table | `APT#<id>` | `ENTRY#<number>` |
//! | administrators | payments that are escalated, the oldest booking first | GSI2 | `ESCALATIONS` | `<id>` |
//! | list_slots, list_session_types, booking, onboarding | an expert's account at a gateway | table | `EXPERT#<expert>` | `ACCOUNT#<gateway>` |
//! | booking, administrators | the platform's terms for an expert | table | `EXPERT#<expert>` | `FEE` |
//! | booking, jobs, expert | the first sessions that an expert completed without a dispute | table | `EXPERT#<expert>` | `TRACK` |
//! | refunds, booking, jobs, expert | what an expert owes the platform | table | `EXPERT#<expert>` | `DEBT` |
//! | cancellations, refunds, booking, administrators | what refunds cost in a UTC month | table | `REFUND_COSTS#<yyyy-mm>` | `client#<client>`, `expert#<expert>` |
//! | webhooks | the expert who owns an account at a gateway | table | `ACCOUNT#<gateway>#<account>` | `R` |
//! | webhooks, booking | a client's declined attempts to pay in a UTC day | table | `CLIENT#<client>` | `DECLINES#<yyyymmdd>` |
//! | webhooks, booking | the declined attempts to pay from one network address in a UTC day | table | `ADDRESS#<digest>` | `DECLINES` |
//! | webhooks | has this event been received | table | `EVT#<gateway>#<event>` | `R` |
//! | expert's ledger and earnings | an expert's ledger entries by time | GSI1 | `LEDGER#<expert>` | `<at>#<entry>` |
//! | reconciliation, commission report | all ledger entries of a UTC day | GSI2 | `LEDGER#<yyyymmdd>` | `<at>#<entry>` |
//! | job for payouts | the ledger entry of a payout, if it is recorded | table | `LEDGER#<expert>` | `PAYOUT#<gateway>#<kind>#<payout>` |
//! | reconciliation | how far a gateway's books have been compared | table | `BOOKS#<gateway>` | `COMPARED` |
//! | reconciliation | differences that are not confirmed yet | table | `DIFFERENCES` | `DETECTED#<gateway>#<object>#<currency>` |
//! | reconciliation, administrators | differences that are open | table | `DIFFERENCES` | `OPEN#<gateway>#<object>#<currency>` |
//! | administrators | differences that are resolved, the latest first | table | `DIFFERENCES` | `RESOLVED#<time left>#<gateway>#<object>#<currency>` |
//! | estimates of prices | the latest exchange rates | table | `RATES` | `ECB` |

use chrono::{Datelike, NaiveDate};
use domain::kernel::time::Month;
use domain::payments::gateway::GatewayKind;
use domain::{AppointmentId, ClientId, ExpertId, Timestamp};

use crate::keys::{Key, appointment_partition, expert_partition, instant};

/// The payment of an appointment.
pub fn payment(id: AppointmentId) -> Key {
    Key::new(appointment_partition(id), "PAY")
}

/// The partition of [`GSI2`](crate::keys::GSI2) with the payments that are escalated. Its sort keys are appointment ids, which
/// begin with the time of booking.
pub const ESCALATIONS: &str = "ESCALATIONS";

/// The prefix of the sort keys of an appointment's ledger entries.
pub const LEDGER_ENTRIES: &str = "ENTRY#";

/// A ledger entry of an appointment.
pub fn ledger_entry(id: AppointmentId, number: u32) -> Key {
    Key::new(appointment_partition(id), format!("{LEDGER_ENTRIES}{number:06}"))
}

/// The partition of [`GSI1`](crate::keys::GSI1) with an expert's ledger entries. In the table, it contains the entries of the
/// expert's payouts.
pub fn ledger_of_expert(id: ExpertId) -> String {
    format!("LEDGER#{id}")
}

/// The partition of [`GSI2`](crate::keys::GSI2) with the ledger entries of a UTC day.
pub fn ledger_of_day(day: NaiveDate) -> String {
    format!("LEDGER#{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// The sort key of a ledger entry in both indexes.
pub fn ledger_order(at: Timestamp, entry: &Key) -> String {
    format!("{}#{}#{}", instant(at), entry.pk, entry.sk)
}

/// The ledger entry of a payout. `kind` says whether it was paid or has failed.
pub fn payout(expert: ExpertId, gateway: GatewayKind, kind: &str, payout: &str) -> Key {
    Key::new(ledger_of_expert(expert), format!("PAYOUT#{gateway}#{kind}#{payout}"))
}

/// An expert's account at a gateway.
pub fn payment_account(expert: ExpertId, gateway: GatewayKind) -> Key {
    Key::new(expert_partition(expert), format!("ACCOUNT#{gateway}"))
}

/// The expert who owns an account at a gateway.
pub fn account_owner(gateway: GatewayKind, account: &str) -> Key {
    Key::new(format!("ACCOUNT#{gateway}#{account}"), "R")
}

/// An expert's own commission rate.
pub fn expert_terms(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "FEE")
}

/// The first sessions that an expert completed without a dispute.
pub fn track_record(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "TRACK")
}

/// What an expert owes the platform.
pub fn debt(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "DEBT")
}

/// The partition of what refunds cost in a UTC month.
pub fn refund_costs_of(month: Month) -> String {
    format!("REFUND_COSTS#{month}")
}

/// The prefix of the sort keys of what clients cost.
pub const OF_CLIENT: &str = "client#";
/// The prefix of the sort keys of what experts cost.
pub const OF_EXPERT: &str = "expert#";

/// What the refunds of a client cost in a UTC month.
pub fn refund_costs_of_client(month: Month, client: ClientId) -> Key {
    Key::new(refund_costs_of(month), format!("{OF_CLIENT}{client}"))
}

/// What the refunds of an expert cost in a UTC month.
pub fn refund_costs_of_expert(month: Month, expert: ExpertId) -> Key {
    Key::new(refund_costs_of(month), format!("{OF_EXPERT}{expert}"))
}

/// How far a gateway's books have been compared with the ledger.
pub fn reconciliation_progress(gateway: GatewayKind) -> Key {
    Key::new(format!("BOOKS#{gateway}"), "COMPARED")
}

/// The partition of all differences between the ledger and the gateways' books. Queries rely on the alphabetical order of the
/// prefixes below: unconfirmed differences, open ones, resolved ones.
pub const DIFFERENCES: &str = "DIFFERENCES";
/// The prefix of differences that a second run has not confirmed yet.
pub const UNCONFIRMED: &str = "DETECTED#";
/// The prefix of open differences.
pub const OPEN: &str = "OPEN#";
/// The prefix of resolved differences.
pub const RESOLVED: &str = "RESOLVED#";

/// A difference that is not resolved. `state` is [`UNCONFIRMED`] or [`OPEN`].
pub fn unresolved_difference(state: &str, gateway: GatewayKind, object: &str, currency: &str) -> Key {
    Key::new(DIFFERENCES, format!("{state}{gateway}#{object}#{currency}"))
}

/// A resolved difference. Its sort key contains the time left until the end of time, so that the latest sorts first.
pub fn resolved_difference(at: Timestamp, gateway: GatewayKind, object: &str, currency: &str) -> Key {
    let left = Timestamp::from_seconds(Timestamp::MAX.seconds() - at.seconds());
    Key::new(DIFFERENCES, format!("{RESOLVED}{}#{gateway}#{object}#{currency}", instant(left)))
}

/// The latest exchange rates of the European Central Bank.
pub fn exchange_rates() -> Key {
    Key::new("RATES", "ECB")
}

/// A client's declined attempts to pay in a UTC day.
pub fn declines_of_client(client: ClientId, day: NaiveDate) -> Key {
    let sk = format!("DECLINES#{:04}{:02}{:02}", day.year(), day.month(), day.day());
    Key::new(format!("CLIENT#{client}"), sk)
}

/// The declined attempts to pay for bookings from a network address in a UTC day. `digest` stands for both.
pub fn declines_of_address(digest: &str) -> Key {
    Key::new(format!("ADDRESS#{digest}"), "DECLINES")
}

/// A webhook event that was received from a gateway.
pub fn webhook_event(gateway: &str, id: &str) -> Key {
    Key::new(format!("EVT#{gateway}#{id}"), "R")
}

#[cfg(test)]
pub(crate) mod tests {
    use GatewayKind::Stripe;

    use super::*;
    use crate::keys::tests::{APPOINTMENT, EXPERT, Example, ZEROS, indexed, row, start};
    use crate::keys::{GSI1, GSI2};

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        let entry = ledger_entry(APPOINTMENT, 1);
        let order = ledger_order(start(), &entry);
        vec![
            row(payment(APPOINTMENT)),
            row(entry),
            indexed(GSI2, ESCALATIONS, APPOINTMENT.to_string()),
            row(payment_account(EXPERT, Stripe)),
            row(expert_terms(EXPERT)),
            row(track_record(EXPERT)),
            row(debt(EXPERT)),
            row(refund_costs_of_client(Month::of(start()), ClientId::from_bits(1))),
            row(refund_costs_of_expert(Month::of(start()), EXPERT)),
            row(account_owner(Stripe, "acct_1")),
            row(webhook_event("stripe", "evt_1")),
            row(declines_of_client(ClientId::from_bits(1), start().utc_date())),
            row(declines_of_address("00ff")),
            indexed(GSI1, ledger_of_expert(EXPERT), order.clone()),
            indexed(GSI2, ledger_of_day(start().utc_date()), order),
            row(payout(EXPERT, Stripe, "paid", "po_1")),
            row(reconciliation_progress(Stripe)),
            row(unresolved_difference(UNCONFIRMED, Stripe, "ch_1", "EUR")),
            row(unresolved_difference(OPEN, Stripe, "ch_1", "EUR")),
            row(resolved_difference(start(), Stripe, "ch_1", "EUR")),
            row(exchange_rates()),
        ]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(payment(APPOINTMENT).to_string(), format!("APT#apt_{ZEROS}a / PAY"));
        let entry = ledger_entry(APPOINTMENT, 1);
        assert_eq!(entry.sk, "ENTRY#000001");
        assert_eq!(ledger_order(start(), &entry), format!("001804237200#APT#apt_{ZEROS}a#ENTRY#000001"));
        assert_eq!(ledger_of_expert(EXPERT), format!("LEDGER#exp_{ZEROS}1"));
        assert_eq!(ledger_of_day(start().utc_date()), "LEDGER#20270305");
        assert_eq!(
            payout(EXPERT, Stripe, "paid", "po_1").to_string(),
            format!("LEDGER#exp_{ZEROS}1 / PAYOUT#stripe#paid#po_1")
        );
        assert_eq!(payment_account(EXPERT, Stripe).sk, "ACCOUNT#stripe");
        assert_eq!(account_owner(Stripe, "acct_1").to_string(), "ACCOUNT#stripe#acct_1 / R");
        assert_eq!(
            (expert_terms(EXPERT).sk, track_record(EXPERT).sk),
            ("FEE".to_owned(), "TRACK".to_owned())
        );
        assert_eq!(debt(EXPERT).to_string(), format!("EXPERT#exp_{ZEROS}1 / DEBT"));
        let month = Month::of(start());
        let of_client = refund_costs_of_client(month, ClientId::from_bits(1));
        assert_eq!(of_client.to_string(), format!("REFUND_COSTS#2027-03 / client#cli_{ZEROS}1"));
        assert_eq!(refund_costs_of_expert(month, EXPERT).sk, format!("expert#exp_{ZEROS}1"));
        assert_eq!(webhook_event("stripe", "evt_1").to_string(), "EVT#stripe#evt_1 / R");
        let declines = declines_of_client(ClientId::from_bits(1), start().utc_date());
        assert_eq!(declines.to_string(), format!("CLIENT#cli_{ZEROS}1 / DECLINES#20270305"));
        assert_eq!(declines_of_address("00ff").to_string(), "ADDRESS#00ff / DECLINES");
        assert_eq!(reconciliation_progress(Stripe).to_string(), "BOOKS#stripe / COMPARED");
        let open = unresolved_difference(OPEN, Stripe, "ch_1", "EUR");
        assert_eq!(open.to_string(), "DIFFERENCES / OPEN#stripe#ch_1#EUR");
        let resolved = resolved_difference(start(), Stripe, "ch_1", "EUR");
        assert_eq!(resolved.sk, "RESOLVED#251598063599#stripe#ch_1#EUR");
        assert_eq!(exchange_rates().to_string(), "RATES / ECB");
    }

    #[test]
    fn unconfirmed_differences_sort_before_open_ones_and_resolved_ones_last_the_latest_first() {
        let unresolved = |state, object| unresolved_difference(state, Stripe, object, "EUR").sk;
        let resolved = |at| resolved_difference(at, Stripe, "ch_1", "EUR").sk;
        assert!(unresolved(UNCONFIRMED, "z") < unresolved(OPEN, "ch_1"));
        assert!(unresolved(OPEN, "z") < resolved(start()));
        assert!(resolved(start().plus(1)) < resolved(start()));
    }
}
