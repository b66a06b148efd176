//! What an expert owes the platform: the costs of refunds that they caused, and shares that the gateway could not take back from them.
//!
//! The expert repays it with the shares that the platform pays out later. What is withheld from a share counts as a part of the
//! platform's fee on it. If the share becomes smaller after that, such as by a refund, the expert owes the difference again.

use crate::payments::payment::Share;
use crate::{Currency, Money};

/// What an expert owes the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Debt {
    /// The version, incremented with each change; 0 if the expert never owed anything.
    pub version: u64,
    /// The amounts, at most one in each currency, ordered by the code of the currency. None of them is zero.
    pub owed: Vec<Money>,
}

impl Debt {
    /// Returns whether the expert owes nothing.
    pub fn is_repaid(&self) -> bool {
        self.owed.is_empty()
    }

    /// Returns what the expert owes in a currency, in minor units.
    pub fn owed_in(&self, currency: Currency) -> u64 {
        self.owed.iter().find(|owed| owed.currency() == currency).map_or(0, |owed| owed.amount())
    }

    /// Returns the next version, with a further amount.
    #[must_use]
    pub fn plus(&self, amount: Money) -> Self {
        self.with(amount, self.owed_in(amount.currency()).saturating_add(amount.amount()))
    }

    /// Returns the next version, without an amount, or at least without what is owed of it.
    #[must_use]
    pub fn minus(&self, amount: Money) -> Self {
        self.with(amount, self.owed_in(amount.currency()).saturating_sub(amount.amount()))
    }

    /// Returns how much of a share that is about to be paid out is withheld, and the debt after that. `None` if it is nothing.
    ///
    /// At least the smallest amount that a gateway transfers is left, so that the ledger records each payout with its fee.
    pub fn withhold(&self, share: Share) -> Option<(Money, Self)> {
        let currency = share.amount.currency();
        let owed = self.owed_in(currency);
        let most = share.net().amount().saturating_sub(currency.charge_step());
        let withheld = share.amount.with_amount(owed.min(most)).unwrap_or(share.amount.zero());
        (!withheld.is_zero()).then(|| (withheld, self.with(withheld, owed - withheld.amount())))
    }

    /// The next version, in which the expert owes `owed` minor units of the currency of `amount`.
    fn with(&self, amount: Money, owed: u64) -> Self {
        let currency = amount.currency();
        let others = self.owed.iter().copied().filter(|one| one.currency() != currency);
        let owed = amount.with_amount(owed).unwrap_or(amount);
        let mut all: Vec<Money> = others.chain((!owed.is_zero()).then_some(owed)).collect();
        all.sort_unstable_by_key(|one| one.currency().code());
        Self { version: self.version + 1, owed: all }
    }
}

#[cfg(test)]
mod tests;
