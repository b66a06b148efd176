//! The stored forms of payments, ledger entries, accounts, exchange rates, differences and the progress of reconciliation.

use std::collections::BTreeMap;

use domain::kernel::time::Date;
use domain::payments::account::{ExpertTerms, PaymentAccount};
use domain::payments::debt::Debt;
use domain::payments::exchange::{CurrencyRate, EuroRate, ReferenceRates};
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Entry, Movement, MovementKind};
use domain::payments::payment::{
    Decline, Escalation, OrderKind, Payment, PaymentState, Plan, References, RefusedReversal,
};
use domain::payments::payout::{PayoutTiming, ProvenSession, TrackRecord};
use domain::payments::reconciliation::{Difference, Sums};
use domain::{AppointmentId, ClientId, Currency, ExpertId, Money, Rate, Timestamp};
use serde::{Deserialize, Serialize};

use super::accounts::AccountOwner;
use super::declines::CountedDeclines;
use super::exchange_rates::VersionedRates;
use super::reconciliation::ReconciliationProgress;
use super::webhook_events::ReceivedEvent;
use crate::row::{Known, MoneyRow, Row, Stored, Text, Unreadable, known, stored};

impl Row<Payment> for PaymentRow {
    const SCHEMA: u16 = 4;

    /// A release that knows format 1 would not pay the expert after the session, and would pay them a share of the processing cost.
    /// One that knows format 2 would record that PayPal paid the expert at once. One that knows format 3 would refund what an expert
    /// granted without their share, and take a share back that the expert owes.
    fn schema_of(payment: &Payment) -> u16 {
        let Payment { charge_before_grants, share_owed, settled_outside, .. } = payment;
        if charge_before_grants.is_some() || share_owed.is_some() || settled_outside.is_some() {
            return 4;
        }
        match (payment.payout_timing, payment.gateway) {
            (PayoutTiming::AtPayment, _) if payment.processing_cost.is_none() => 1,
            (PayoutTiming::AfterSession, GatewayKind::Paypal) => 3,
            (PayoutTiming::AtPayment, _) | (PayoutTiming::AfterSession, GatewayKind::Stripe) => 2,
        }
    }

    fn degraded(payment: Payment) -> Option<Payment> {
        Some(Payment { state: PaymentState::Unknown, ..payment })
    }
}

impl Row<PaymentAccount> for PaymentAccountRow {
    const SCHEMA: u16 = 1;
}

impl Row<AccountOwner> for AccountOwnerRow {
    const SCHEMA: u16 = 1;
}

impl Row<ReceivedEvent> for ReceivedEventRow {
    const SCHEMA: u16 = 1;
}

impl Row<CountedDeclines> for DeclinedAttemptsRow {
    const SCHEMA: u16 = 1;
}

impl Row<ExpertTerms> for ExpertTermsRow {
    const SCHEMA: u16 = 1;
}

impl Row<TrackRecord> for TrackRecordRow {
    const SCHEMA: u16 = 1;
}

impl Row<Debt> for DebtRow {
    const SCHEMA: u16 = 1;
}

impl Row<Entry> for EntryRow {
    const SCHEMA: u16 = 1;
}

impl Row<Difference> for DifferenceRow {
    const SCHEMA: u16 = 1;
}

impl Row<ReconciliationProgress> for ReconciliationProgressRow {
    const SCHEMA: u16 = 1;
}

impl Row<VersionedRates> for ExchangeRatesRow {
    const SCHEMA: u16 = 1;
}

stored! {
    enum GatewayRow for GatewayKind {
        Stripe,
        Paypal,
        _ => Err(Unreadable::unknown("payment gateway"))
    }

    struct PaymentRow for Payment {
        appointment: AppointmentId,
        version: u64,
        gateway: GatewayRow,
        amount: MoneyRow,
        fee_rate: Rate,
        destination: String,
        #[serde(default)]
        payout_timing: PayoutTimingRow,
        #[serde(default)]
        pay_ahead_limit: Option<i64>,
        plan: PlanRow,
        references: ReferencesRow,
        intent_number: u16,
        final_charge: Option<MoneyRow>,
        #[serde(default)]
        charge_before_grants: Option<MoneyRow>,
        #[serde(default)]
        granted_refunds: u16,
        #[serde(default)]
        processing_cost: Option<MoneyRow>,
        #[serde(default)]
        withheld: Option<MoneyRow>,
        #[serde(default)]
        share_owed: Option<MoneyRow>,
        action_deadline: Option<Timestamp>,
        max_failed_refunds: u16,
        #[serde(default)]
        refused: RefusedRow,
        #[serde(default)]
        refused_reversal: Option<RefusedReversalRow>,
        #[serde(default)]
        refusals: u16,
        #[serde(default)]
        failing_since: Option<Timestamp>,
        #[serde(default)]
        released_at: Option<Timestamp>,
        #[serde(default)]
        resolved_with_expert: bool,
        #[serde(default)]
        settled_outside: Option<i64>,
        #[serde(default)]
        escalation: Option<EscalationRow>,
        open_dispute: bool,
        #[serde(default)]
        lost_dispute: bool,
        entries: u32,
        decline: Option<DeclineRow>,
        #[serde(default)]
        declines: u16,
        #[serde(default)]
        too_many_declines: bool,
        #[serde(default)]
        booked_from: Option<String>,
        state: PaymentStateRow,
    }

    enum PayoutTimingRow for PayoutTiming {
        AtPayment,
        AfterSession,
        _ => Err(Unreadable::unknown("payout timing"))
    }

    enum PlanRow for Plan {
        Charge,
        Authorize,
        SaveCard,
        _ => Err(Unreadable::unknown("payment plan"))
    }

    struct ReferencesRow for References {
        intent: Option<String>,
        setup: Option<String>,
        customer: Option<String>,
    }

    struct RefusedReversalRow for RefusedReversal {
        since: Timestamp,
        last_at: Timestamp,
    }

    enum OrderKindRow for OrderKind {
        Capture,
        Refund,
        Reversal,
        Transfer,
        _ => Err(Unreadable::unknown("order to the gateway"))
    }

    #[serde(tag = "because")]
    enum EscalationRow for Escalation {
        RefundFailed { amount: MoneyRow },
        DisputeLost { amount: MoneyRow },
        Refused { order: OrderKindRow, amount: MoneyRow },
        NoShowDisputed,
        // The payment waits for the release that knows the reason.
        _ is Unknown
    }

    enum DeclineRow for Decline {
        AuthenticationRequired,
        InsufficientFunds,
        ExpiredCard,
        WrongDetails,
        NotSupported,
        TryLater,
        Refused,
        // A bank that gives no reason. The payment has an unknown state then.
        _ => Ok(Decline::Refused)
    }

    #[serde(tag = "state")]
    enum PaymentStateRow for PaymentState {
        Open,
        Processing,
        CardSaved,
        Authorized { capture_before: Timestamp },
        ActionRequired { deadline: Timestamp },
        Paid { paid_at: Timestamp },
        PartiallyRefunded { refunded_at: Timestamp },
        Refunded { refunded_at: Timestamp },
        RefundFailed,
        Disputed,
        Cancelled,
        Unpaid,
        // In this state nothing can be paid or refunded, and nothing writes the payment.
        _ is Unknown
    }

    struct PaymentAccountRow for PaymentAccount {
        gateway: GatewayRow,
        account: String,
        version: u64,
        charges_enabled: bool,
        payouts_enabled: bool,
        requirements_due: Vec<String>,
        disabled_reason: Option<String>,
        read_at: Timestamp,
    }

    struct AccountOwnerRow for AccountOwner {
        expert: ExpertId,
    }

    struct ReceivedEventRow for ReceivedEvent {
        version: u64,
    }

    struct DeclinedAttemptsRow for CountedDeclines {
        version: u64,
    }

    struct ExpertTermsRow for ExpertTerms {
        version: u64,
        rate: Option<Rate>,
        #[serde(default)]
        payout_timing: Option<PayoutTimingRow>,
        #[serde(default)]
        established: bool,
        #[serde(default)]
        refund_budget: Option<u16>,
    }

    struct TrackRecordRow for TrackRecord {
        version: u64,
        sessions: Vec<ProvenSessionRow>,
    }

    struct ProvenSessionRow for ProvenSession {
        client: ClientId,
        paid_with: String,
    }

    struct DebtRow for Debt {
        version: u64,
        owed: Vec<MoneyRow>,
    }

    enum MovementKindRow for MovementKind {
        Authorized,
        Released,
        Captured,
        ProcessingFee,
        Transfer,
        Fee,
        Refund,
        RefundFailed,
        Reversal,
        FeeRefund,
        Dispute,
        DisputeFee,
        DisputeWon,
        Payout,
        PayoutFailed,
        ResolvedManually,
        ProcessingCost,
        _ => Err(Unreadable::unknown("kind of movement"))
    }

    enum AccountRow for Account {
        Client,
        Authorized,
        Platform,
        Expert,
        Gateway,
        ExpertBank,
        ProcessingCosts,
        _ => Err(Unreadable::unknown("account of the ledger"))
    }

    struct SumsRow for Sums {
        amount: i64,
        fee: i64,
    }

    struct DifferenceRow for Difference {
        gateway: GatewayRow,
        object: String,
        currency: String,
        version: u64,
        ledger: Option<SumsRow>,
        books: Option<SumsRow>,
        appointment: Option<AppointmentId>,
        first_moved_at: Timestamp,
        last_moved_at: Timestamp,
        first_seen_at: Timestamp,
        last_seen_at: Timestamp,
        resolved_at: Option<Timestamp>,
        confirmed: bool,
    }

    struct ReconciliationProgressRow for ReconciliationProgress {
        gateway: GatewayRow,
        version: u64,
        until: Timestamp,
    }
}

/// Payments that were written before there was a choice.
impl Default for PayoutTimingRow {
    fn default() -> Self {
        Self::AtPayment
    }
}

/// The orders that the gateway has refused, with its error codes. An order that this version does not know is left out, and the
/// payment has an unknown state then.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RefusedRow(BTreeMap<String, String>);

impl RefusedRow {
    /// The order with this name.
    fn order(name: &str) -> Option<OrderKind> {
        match name {
            "capture" => Some(OrderKind::Capture),
            "refund" => Some(OrderKind::Refund),
            "reversal" => Some(OrderKind::Reversal),
            "transfer" => Some(OrderKind::Transfer),
            _ => None,
        }
    }
}

impl Known for RefusedRow {
    fn is_known(&self) -> bool {
        self.0.keys().all(|name| Self::order(name).is_some())
    }
}

impl Stored<BTreeMap<OrderKind, String>> for RefusedRow {
    fn of(refused: &BTreeMap<OrderKind, String>) -> Self {
        let name = |order: &OrderKind| match order {
            OrderKind::Capture => "capture",
            OrderKind::Refund => "refund",
            OrderKind::Reversal => "reversal",
            OrderKind::Transfer => "transfer",
        };
        Self(refused.iter().map(|(order, code)| (name(order).to_owned(), code.clone())).collect())
    }

    fn read(self) -> Result<BTreeMap<OrderKind, String>, Unreadable> {
        Ok(self.0.into_iter().filter_map(|(name, code)| Some((Self::order(&name)?, code))).collect())
    }
}

/// An entry of the ledger. Movements are lists without attribute names, so that an entry usually stays below 1 KB, which is the
/// size of one write unit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EntryRow {
    appointment: Option<AppointmentId>,
    expert: ExpertId,
    gateway: GatewayRow,
    number: u32,
    at: Timestamp,
    movements: Vec<Line>,
}

/// A movement: kind, amount, currency, gateway object, idempotency key, time in seconds, and the two accounts if they are not
/// those that follow from the kind.
#[derive(Debug, Serialize, Deserialize)]
struct Line(
    MovementKindRow,
    u64,
    Text,
    String,
    Option<String>,
    i64,
    #[serde(default)] Option<(AccountRow, AccountRow)>,
);

/// Money that is not understood is not added up.
impl Known for Line {
    fn is_known(&self) -> bool {
        let Self(kind, .., accounts) = self;
        kind.is_known() && accounts.as_ref().is_none_or(|(from, to)| from.is_known() && to.is_known())
    }
}

impl Known for EntryRow {
    fn is_known(&self) -> bool {
        self.gateway.is_known() && self.movements.is_known()
    }
}

impl Stored<Movement> for Line {
    fn of(movement: &Movement) -> Self {
        let Movement { kind, amount, from, to, object, idempotency_key, at } = movement;
        let usual = Movement::new(*kind, *amount, "", *at, None);
        let accounts =
            (usual.from != *from || usual.to != *to).then(|| (AccountRow::of(from), AccountRow::of(to)));
        let currency = Text::of(&amount.currency());
        let kind = MovementKindRow::of(kind);
        Self(kind, amount.amount(), currency, object.clone(), idempotency_key.clone(), at.seconds(), accounts)
    }

    fn read(self) -> Result<Movement, Unreadable> {
        let Self(kind, amount, currency, object, key, at, accounts) = self;
        let currency: Currency = currency.read()?;
        let amount = Money::new(amount, currency).map_err(Unreadable::invalid)?;
        let usual = Movement::new(kind.read()?, amount, object, Timestamp::from_seconds(at), key);
        Ok(match accounts {
            Some((from, to)) => Movement { from: from.read()?, to: to.read()?, ..usual },
            None => usual,
        })
    }
}

impl Stored<Entry> for EntryRow {
    fn of(entry: &Entry) -> Self {
        Self {
            appointment: entry.appointment,
            expert: entry.expert,
            gateway: GatewayRow::of(&entry.gateway),
            number: entry.number,
            at: entry.at,
            movements: Stored::of(&entry.movements),
        }
    }

    fn read(self) -> Result<Entry, Unreadable> {
        Ok(Entry {
            appointment: self.appointment,
            expert: self.expert,
            gateway: self.gateway.read()?,
            number: self.number,
            at: self.at,
            movements: self.movements.read()?,
        })
    }
}

/// A set of exchange rates.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExchangeRatesRow {
    version: u64,
    fetched_at: Timestamp,
    date: Date,
    rates: Vec<CurrencyRateRow>,
}

stored! {
    struct CurrencyRateRow for CurrencyRate {
        currency: Text,
        per_euro: EuroRate,
    }
}

known!(ExchangeRatesRow);

impl Stored<VersionedRates> for ExchangeRatesRow {
    fn of(VersionedRates { version, fetched_at, rates }: &VersionedRates) -> Self {
        let (version, fetched_at) = (*version, *fetched_at);
        Self { version, fetched_at, date: rates.date(), rates: Stored::of(&rates.rates().to_vec()) }
    }

    fn read(self) -> Result<VersionedRates, Unreadable> {
        let rates = ReferenceRates::new(self.date, self.rates.read()?).map_err(Unreadable::invalid)?;
        Ok(VersionedRates { version: self.version, fetched_at: self.fetched_at, rates })
    }
}
