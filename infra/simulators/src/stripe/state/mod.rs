//! Everything the simulator remembers. Amounts are in minor units, times in Unix seconds.

mod books;
mod connect;
mod payers;
mod payments;
mod telling;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(super) use books::{Line, Transaction};
pub(super) use connect::{Account, AccountLink, Fee, FeeRefund, Payout, PayoutStatus, Reversal, Transfer};
pub(super) use payers::{Customer, Kinds, Means, PaymentMethod, SetupIntent};
pub(super) use payments::{
    Charge, ChargeStatus, Dispute, DisputeStatus, Failure, Intent, IntentStatus, Refund, RefundStatus,
};
pub use telling::Attempt;
pub(super) use telling::{Delivery, Event};

use super::idempotency::Stored;
use super::table::{Row, Table};
use crate::{OpenError, files};

/// The layout of the file. A file of another layout is refused rather than guessed at.
const LAYOUT: u32 = 3;

pub(super) type Metadata = BTreeMap<String, String>;

/// Which layout a file has. Only the present one is made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Layout(u32);

impl Default for Layout {
    fn default() -> Self {
        Self(LAYOUT)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    layout: Layout,
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
    pub(super) events: Table<Event>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) attempts: Vec<Attempt>,
    /// The number of the next delivery.
    pub(super) next_delivery: u64,
    /// By scoped idempotency key.
    pub(super) stored_answers: BTreeMap<String, Stored>,
}

impl State {
    pub(super) fn load(path: &Path) -> Result<Self, OpenError> {
        let Some(bytes) = files::read(path)? else { return Ok(Self::default()) };
        let damaged = |reason: String| OpenError::Damaged { path: path.to_owned(), reason };
        // The layout is read first: what else an older file lacks is no damage.
        #[derive(Deserialize)]
        struct OnlyLayout {
            layout: Layout,
        }
        let found: OnlyLayout = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if found.layout != Layout::default() {
            let Layout(found) = found.layout;
            return Err(damaged(format!("it has layout {found}, and this program reads layout {LAYOUT}")));
        }
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))
    }

    pub(super) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, OpenError> {
        serde_json::to_vec(self)
            .map_err(|error| OpenError::Unwritable { path: path.to_owned(), source: error.into() })
    }

    /// The disputes about a charge, oldest first.
    pub(super) fn disputes_of(&self, charge: &str) -> impl Iterator<Item = &Dispute> {
        self.disputes.iter().filter(move |dispute| dispute.charge == charge)
    }
}

macro_rules! rows {
    ($($row:ty),+ $(,)?) => { $(impl Row for $row { fn id(&self) -> &str { &self.id } })+ };
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
    Transaction,
    Transfer,
);
