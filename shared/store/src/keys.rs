//! Every key string of the table.
//!
//! | who asks | question | index | PK | SK |
//! |---|---|---|---|---|
//! | list_slots, booking | an expert's occupied time over a range | table | `EXPERT#<expert>` | `D#<yyyymmdd>` … `D#<yyyymmdd>~` |
//! | booking | a group session's seats | table | `EXPERT#<expert>` | `D#<yyyymmdd>#G#<session type>#<start>` |
//! | list_slots, booking | rules and session types | table | `EXPERT#<expert>` | `RULES`, `TYPE#<id>` |
//! | anybody | who an expert is | table | `EXPERT#<expert>` | `PROFILE` |
//! | booking, onboarding | how an expert is paid, and the fee | table | `EXPERT#<expert>` | `ACCOUNT#<gateway>`, `FEE` |
//! | issuing receipts | what an expert's receipts say of them, and the last number of a year | table | `EXPERT#<expert>` | `BILLING`, `RECEIPTS#<year>` |
//! | webhooks | whose account is this | table | `ACCOUNT#<gateway>#<account>` | `R` |
//! | the two people | one appointment, its payment, and what moved | table | `APT#<id>` | `A`, `PAY`, `ENTRY#<number>` |
//! | the two people, issuing receipts | an appointment's receipts; the one of a movement of money | table | `APT#<id>` | `DOC#<kind>#<object>` |
//! | issuing receipts | what the gateway calculated for a document that is not issued yet | table | `APT#<id>` | `TAX#<kind>#<object>` |
//! | administrators | payments that wait for a person, the oldest booking first | GSI2 (same index, other rows) | `ESCALATIONS` | `<apt>` |
//! | expert's reports | an expert's ledger by time | GSI1 | `LEDGER#<expert>` | `<at>#<entry>` |
//! | reconciler, platform's reports | the whole ledger by day | GSI2 | `LEDGER#<yyyymmdd>` | `<at>#<entry>` |
//! | payouts | was this payout written down | table | `LEDGER#<expert>` | `PAYOUT#<gateway>#<kind>#<payout>` |
//! | reconciler | until when a gateway's books were compared | table | `BOOKS#<gateway>` | `COMPARED` |
//! | reconciler | what may come to differ, and what differs | table | `DIFFERENCES` | `MAYBE#…`, `OPEN#<gateway>#<object>#<currency>` |
//! | administrators | what differs, then what did, latest first | table | `DIFFERENCES` | `OPEN#…` … `RESOLVED#<time left>#…` |
//! | effect worker | one effect that is owed | table | `APT#<id>` or `EXPERT#<expert>` | `OUTBOX#<job>` |
//! | expert's dashboard | an expert's appointments by time | GSI1 | `EXP#<id>` | `<start>#<apt>` |
//! | client's dashboard | a client's appointments by time | GSI2 | `CLI#<id>` | `<start>#<apt>` |
//! | an expert's accounts | the receipts that an expert issued, by number | GSI1 (same index, other rows) | `RECEIPTS#<expert>` | `<year>#<sequence>` |
//! | the two people | one receipt | GSI2 (same index, other rows) | `RCP#<id>` | `R` |
//! | sweep | what is owed by now | GSI1 (same index, other rows) | `OUTBOX#<shard>` | `<due_at>#<job>` |
//! | estimates of prices | the latest exchange rates | table | `RATES` | `ECB` |
//! | creating routes | was this request seen | table | `IDEM#<person>#<key>` | `R` |
//! | webhooks | was this event seen | table | `EVT#<provider>#<id>` | `R` |
//!
//! Instants in sort keys are seconds since 1970 in twelve digits, so that they sort as text.

use chrono::{Datelike, NaiveDate};
use domain::payments::gateway::GatewayKind;
use domain::receipts::receipt::DocumentName;
use domain::{AppointmentId, ClientId, ExpertId, ReceiptId, SessionTypeId, TimeSpan, Timestamp};

/// Partition key attribute.
pub const PK: &str = "PK";
/// Sort key attribute.
pub const SK: &str = "SK";
/// Index of an expert's appointments and receipts, and of what is owed.
pub const GSI1: Index = Index { name: "GSI1", pk: "GSI1PK", sk: "GSI1SK" };
/// Index of a client's appointments, and of receipts by their ids.
pub const GSI2: Index = Index { name: "GSI2", pk: "GSI2PK", sk: "GSI2SK" };
/// When DynamoDB may delete the row, in seconds since 1970. Housekeeping only: no rule depends on it.
pub const EXPIRES_AT: &str = "expires_at";
/// The attribute that every condition is about.
pub const VERSION: &str = "version";

/// How many partitions of GSI1 share what is owed: each takes about 1,000 writes a second.
pub const OUTBOX_SHARDS: u8 = 8;

/// A global secondary index and its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// Name in the table.
    pub name: &'static str,
    /// Partition key attribute.
    pub pk: &'static str,
    /// Sort key attribute.
    pub sk: &'static str,
}

/// The primary key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} / {}", self.pk, self.sk)
    }
}

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

/// A row that is never written.
pub fn nothing() -> Key {
    key("NOTHING".to_owned(), "R")
}

/// Everything that decides when an expert can be booked.
pub fn expert_rows(expert: ExpertId) -> String {
    format!("EXPERT#{expert}")
}

/// An expert's profile.
pub fn profile(expert: ExpertId) -> Key {
    key(expert_rows(expert), "PROFILE")
}

/// An expert's availability rules.
pub fn rules(expert: ExpertId) -> Key {
    key(expert_rows(expert), "RULES")
}

/// An expert's account at a payment gateway.
pub fn payment_account(expert: ExpertId, gateway: GatewayKind) -> Key {
    key(expert_rows(expert), format!("ACCOUNT#{gateway}"))
}

/// AppointmentsOf an account at a payment gateway is.
pub fn account_owner(gateway: GatewayKind, account: &str) -> Key {
    key(format!("ACCOUNT#{gateway}#{account}"), "R")
}

/// What the platform keeps of an expert's prices.
pub fn fee(expert: ExpertId) -> Key {
    key(expert_rows(expert), "FEE")
}

/// What an expert's receipts say of them.
pub fn billing(expert: ExpertId) -> Key {
    key(expert_rows(expert), "BILLING")
}

/// The last number of an expert's receipts of a year.
pub fn receipt_counter(expert: ExpertId, year: u16) -> Key {
    key(expert_rows(expert), format!("RECEIPTS#{year:04}"))
}

/// One session type of an expert.
pub fn session_type(expert: ExpertId, id: SessionTypeId) -> Key {
    key(expert_rows(expert), format!("{SESSION_TYPES}{id}"))
}

/// What the sort keys of all session types begin with.
pub const SESSION_TYPES: &str = "TYPE#";

/// One UTC day of an expert.
pub fn day(expert: ExpertId, date: NaiveDate) -> Key {
    key(expert_rows(expert), day_sort_key(date))
}

/// `D#20270305`
pub fn day_sort_key(date: NaiveDate) -> String {
    format!("D#{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The date of a day's sort key; `None` for other rows.
pub fn day_of(sk: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(sk.strip_prefix("D#")?, "%Y%m%d").ok()
}

/// The sort keys, both inclusive, of the days that touch a span and of everything that belongs to them.
pub fn days(span: TimeSpan) -> (String, String) {
    let last = span.end().plus(-1).max(span.start()).utc_day();
    (day_sort_key(span.start().utc_day()), format!("{}~", day_sort_key(last)))
}

/// The seats of a group session.
pub fn group(expert: ExpertId, session_type: SessionTypeId, start: Timestamp) -> Key {
    let day = day_sort_key(start.utc_day());
    key(expert_rows(expert), format!("{day}#G#{session_type}#{}", instant(start)))
}

/// The session type and start of a group session's sort key; `None` for other rows.
pub fn group_of(sk: &str) -> Option<(SessionTypeId, Timestamp)> {
    let (session_type, start) = sk.split_once("#G#")?.1.split_once('#')?;
    Some((session_type.parse().ok()?, Timestamp::from_seconds(start.parse().ok()?)))
}

/// All rows of an appointment.
pub fn appointment_rows(id: AppointmentId) -> String {
    format!("APT#{id}")
}

/// An appointment.
pub fn appointment(id: AppointmentId) -> Key {
    key(appointment_rows(id), "A")
}

/// An appointment's payment.
pub fn payment(id: AppointmentId) -> Key {
    key(appointment_rows(id), "PAY")
}

/// The payments that wait for a person, in GSI2. Ids begin with the time of booking, so they sort by it.
pub const ESCALATIONS: &str = "ESCALATIONS";

/// One entry of the ledger of an appointment.
pub fn entry(id: AppointmentId, number: u32) -> Key {
    key(appointment_rows(id), format!("{ENTRIES}{number:06}"))
}

/// What the sort keys of an appointment's ledger entries begin with.
pub const ENTRIES: &str = "ENTRY#";

/// An expert's part of the ledger, in GSI1; as a partition of the table, their payouts.
pub fn ledger_of_expert(id: ExpertId) -> String {
    format!("LEDGER#{id}")
}

/// A day's part of the whole ledger, in GSI2.
pub fn ledger_of_day(day: NaiveDate) -> String {
    format!("LEDGER#{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// A payout of an expert, or that it came back.
pub fn payout(expert: ExpertId, gateway: GatewayKind, kind: &str, payout: &str) -> Key {
    key(ledger_of_expert(expert), format!("PAYOUT#{gateway}#{kind}#{payout}"))
}

/// The place of an entry in the ledger.
pub fn ledger_order(at: Timestamp, entry: &Key) -> String {
    format!("{}#{}#{}", instant(at), entry.pk, entry.sk)
}

/// Until when a gateway's books were compared with the ledger.
pub fn books(gateway: GatewayKind) -> Key {
    key(format!("BOOKS#{gateway}"), "COMPARED")
}

/// All differences between the ledger and the gateways' books.
pub const DIFFERENCES: &str = "DIFFERENCES";
/// What the sort keys of those begin with that do not count yet. It sorts before the others.
pub const MAYBE: &str = "MAYBE#";
/// Of those that stand.
pub const OPEN: &str = "OPEN#";
/// Of those that are over.
pub const RESOLVED: &str = "RESOLVED#";

/// A difference that counts or may come to: `state` is [`MAYBE`] or [`OPEN`].
pub fn difference(state: &str, gateway: GatewayKind, object: &str, currency: &str) -> Key {
    key(DIFFERENCES.to_owned(), format!("{state}{gateway}#{object}#{currency}"))
}

/// A difference that is over; the latest sort first.
pub fn resolved_difference(at: Timestamp, gateway: GatewayKind, object: &str, currency: &str) -> Key {
    let left = Timestamp::from_seconds(Timestamp::MAX.seconds() - at.seconds());
    key(DIFFERENCES.to_owned(), format!("{RESOLVED}{}#{gateway}#{object}#{currency}", instant(left)))
}

/// The receipt, credit note or correction of a movement of money.
pub fn document(id: AppointmentId, name: DocumentName<'_>) -> Key {
    key(appointment_rows(id), format!("{DOCUMENTS}{}#{}", name.kind, name.object))
}

/// What the gateway calculated for the document of this name.
pub fn tax_calculation(id: AppointmentId, name: DocumentName<'_>) -> Key {
    key(appointment_rows(id), format!("TAX#{}#{}", name.kind, name.object))
}

/// What the sort keys of all receipts of an appointment begin with.
pub const DOCUMENTS: &str = "DOC#";

/// A receipt by its id, in GSI2.
pub fn receipt(id: ReceiptId) -> Key {
    key(format!("RCP#{id}"), "R")
}

/// The receipts that an expert issued, in GSI1.
pub fn receipts_of(expert: ExpertId) -> String {
    format!("RECEIPTS#{expert}")
}

/// The place of a receipt among those of its issuer.
pub fn receipt_order(year: u16, sequence: u32) -> String {
    format!("{year:04}#{sequence:010}")
}

/// An effect that is owed, among the rows of whom it is owed for.
pub fn outbox_entry(rows: String, job: &str) -> Key {
    key(rows, format!("OUTBOX#{job}"))
}

/// An expert's appointments, in GSI1.
pub fn of_expert(id: ExpertId) -> String {
    format!("EXP#{id}")
}

/// A client's appointments, in GSI2.
pub fn of_client(id: ClientId) -> String {
    format!("CLI#{id}")
}

/// The place of an appointment in a dashboard.
pub fn by_time(start: Timestamp, id: AppointmentId) -> String {
    format!("{}#{id}", instant(start))
}

/// The partition of GSI1 in which the effects of whoever has this id wait.
pub fn outbox_shard(id_bits: u128) -> String {
    // The low bits are random; the high ones may be the time.
    outbox_shard_number(u8::try_from(id_bits % u128::from(OUTBOX_SHARDS)).unwrap_or(0))
}

/// One of the [`OUTBOX_SHARDS`] partitions.
pub fn outbox_shard_number(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}

/// The place of an effect among all that are owed.
pub fn outbox_order(due_at: Timestamp, job: &str) -> String {
    format!("{}#{job}", instant(due_at))
}

/// A request that created something.
pub fn idempotency(person: &str, idempotency_key: &str) -> Key {
    key(format!("IDEM#{person}#{idempotency_key}"), "R")
}

/// An event that a provider told us of.
pub fn webhook_event(provider: &str, id: &str) -> Key {
    key(format!("EVT#{provider}#{id}"), "R")
}

/// The latest exchange rates of the European Central Bank.
pub fn exchange_rates() -> Key {
    key("RATES".to_owned(), "ECB")
}

/// Seconds since 1970 in twelve digits.
pub fn instant(at: Timestamp) -> String {
    format!("{:012}", at.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strings_stay_what_they_are() {
        let expert = ExpertId::from_bits(1);
        let appointment_id = AppointmentId::from_bits(10);
        let kind = SessionTypeId::from_bits(3);
        let start: Timestamp = "2027-03-05T09:00:00Z".parse().expect("a time");
        let zeros = "0".repeat(25);
        assert_eq!(day(expert, start.utc_day()).to_string(), format!("EXPERT#exp_{zeros}1 / D#20270305"));
        assert_eq!(session_type(expert, kind).sk, format!("TYPE#ses_{zeros}3"));
        assert_eq!(group(expert, kind, start).sk, format!("D#20270305#G#ses_{zeros}3#001804237200"));
        assert_eq!(group_of(&group(expert, kind, start).sk), Some((kind, start)));
        assert_eq!(day_of(&day_sort_key(start.utc_day())), Some(start.utc_day()));
        assert_eq!(day_of(&group(expert, kind, start).sk), None);
        assert_eq!(outbox_shard(appointment_id.bits()), "OUTBOX#2");
        assert_eq!(
            outbox_entry(appointment_rows(appointment_id), "e").to_string(),
            format!("APT#apt_{zeros}a / OUTBOX#e")
        );
        assert_eq!(outbox_order(start, "e"), "001804237200#e");
        assert_eq!(by_time(start, appointment_id), format!("001804237200#apt_{zeros}a"));
        let credit_note = DocumentName { kind: "credit_note", object: "re_1" };
        assert_eq!(
            document(appointment_id, credit_note).to_string(),
            format!("APT#apt_{zeros}a / DOC#credit_note#re_1")
        );
        assert_eq!(tax_calculation(appointment_id, credit_note).sk, "TAX#credit_note#re_1");
        assert_eq!(receipt(ReceiptId::from_bits(1)).to_string(), format!("RCP#rcp_{zeros}1 / R"));
        assert_eq!(receipt_counter(expert, 2027).sk, "RECEIPTS#2027");
        assert_eq!(receipts_of(expert), format!("RECEIPTS#exp_{zeros}1"));
        assert_eq!(receipt_order(2027, 42), "2027#0000000042");
        assert_eq!(idempotency("cli_1", "k").to_string(), "IDEM#cli_1#k / R");
        assert_eq!(webhook_event("stripe", "evt_1").to_string(), "EVT#stripe#evt_1 / R");
        assert_eq!(books(GatewayKind::Stripe).to_string(), "BOOKS#stripe / COMPARED");
        let open = difference(OPEN, GatewayKind::Stripe, "ch_1", "EUR");
        assert_eq!(open.to_string(), "DIFFERENCES / OPEN#stripe#ch_1#EUR");
        let over = |at| resolved_difference(at, GatewayKind::Stripe, "ch_1", "EUR").sk;
        assert_eq!(over(start), "RESOLVED#251598063599#stripe#ch_1#EUR");
        assert!(difference(MAYBE, GatewayKind::Stripe, "z", "EUR").sk < open.sk && open.sk < over(start));
        assert!(over(start.plus(1)) < over(start));
        assert_eq!(exchange_rates().to_string(), "RATES / ECB");
        let span = TimeSpan::new(start, start.plus(24 * 3600));
        assert_eq!(days(span), ("D#20270305".to_owned(), "D#20270306~".to_owned()));
        let until_midnight = TimeSpan::new(start, start.plus(15 * 3600));
        assert_eq!(days(until_midnight).1, "D#20270305~");
    }
}
