//! Everything the simulator remembers. Amounts are in minor units, times in Unix seconds.

mod books;
mod connect;
mod payers;
mod payments;
mod taxes;
mod telling;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use books::{Line, Transaction};
pub(super) use connect::{Account, AccountLink, Fee, FeeRefund, Payout, PayoutStatus, Reversal, Transfer};
pub(super) use payers::{Customer, Kinds, Means, PaymentMethod, SetupIntent};
pub(super) use payments::{
    Charge, ChargeStatus, Dispute, DisputeStatus, Failure, Intent, IntentStatus, Refund, RefundStatus,
};
pub(super) use taxes::{Address, Tax, TaxCalculation, TaxSettings, TaxTransaction};
pub(super) use telling::Event;

use super::idempotency::Stored;
use crate::files::Layout;
use crate::table::{Table, rows};
use crate::webhooks::Outbox;

pub(super) type Metadata = BTreeMap<String, String>;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    layout: Layout<3>,
    pub(super) accounts: Table<Account>,
    pub(super) account_links: Table<AccountLink>,
    pub(super) customers: Table<Customer>,
    pub(super) payment_methods: Table<PaymentMethod>,
    pub(super) setup_intents: Table<SetupIntent>,
    pub(super) intents: Table<Intent>,
    pub(super) charges: Table<Charge>,
    pub(super) refunds: Table<Refund>,
    pub(super) disputes: Table<Dispute>,
    pub(super) transfers: Table<Transfer>,
    pub(super) reversals: Table<Reversal>,
    pub(super) fees: Table<Fee>,
    pub(super) fee_refunds: Table<FeeRefund>,
    pub(super) payouts: Table<Payout>,
    pub(super) transactions: Table<Transaction>,
    /// By account, or the platform's name. Files of before have none.
    #[serde(default)]
    pub(super) tax_settings: BTreeMap<String, TaxSettings>,
    #[serde(default)]
    pub(super) tax_calculations: Table<TaxCalculation>,
    #[serde(default)]
    pub(super) tax_transactions: Table<TaxTransaction>,
    pub(super) events: Table<Event>,
    #[serde(flatten)]
    pub(super) webhooks: Outbox,
    /// By scoped idempotency key.
    pub(super) stored_answers: BTreeMap<String, Stored>,
}

impl State {
    /// The disputes about a charge, oldest first.
    pub(super) fn disputes_of(&self, charge: &str) -> impl Iterator<Item = &Dispute> {
        self.disputes.iter().filter(move |dispute| dispute.charge == charge)
    }
}

rows!(
    Account,
    AccountLink,
    Charge,
    Customer,
    Dispute,
    Event,
    Fee,
    FeeRefund,
    Intent,
    PaymentMethod,
    Payout,
    Refund,
    Reversal,
    SetupIntent,
    TaxCalculation,
    TaxTransaction,
    Transaction,
    Transfer,
);
