//! Payouts of connected accounts to their banks. Source: <https://docs.stripe.com/api/payouts>.

use serde::{Deserialize, Serialize};

use super::books::balance_of;
use super::prelude::*;

/// How a payout ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutOutcome {
    /// It arrives.
    Paid,
    /// The bank returns it.
    Failed,
}

/// Pays `amount` of an account's balance in `currency` out to its bank. Without an amount it is an automatic
/// payout of everything, and without a currency it is in the account's own.
pub(super) fn pay_out(
    work: &mut Work,
    account_id: &str,
    amount: Option<i64>,
    currency: Option<&str>,
    outcome: PayoutOutcome,
) -> Outcome {
    let account = accounts::find(work.state, account_id, "account")?;
    if !account.payouts_enabled {
        let message = format!("Payouts are not enabled for the account {account_id}.");
        return Err(ApiError::invalid(message).code("payouts_not_allowed"));
    }
    let currency = validate::currency(currency.unwrap_or(&account.default_currency))?;
    let balance = balance_of(work.state, Some(account_id), &currency);
    let paid = amount.unwrap_or(balance);
    if paid < 1 && amount.is_some() {
        return Err(validate::not_positive("amount"));
    }
    if paid < 1 || paid > balance {
        let message =
            format!("You have insufficient funds in your Stripe account: {}.", display(balance, &currency));
        return Err(ApiError::invalid(message).code("balance_insufficient"));
    }
    validate::whole("amount", paid, &currency)?;
    let id = format!("po_{}", random::letters(24));
    let out = line(work, Line::Payout, Some(account_id), -paid, &currency, &id);
    let balance_transaction = book(work, out);
    let automatic = amount.is_none();
    work.state.payouts.add(Payout {
        id: id.clone(),
        account: account_id.to_owned(),
        amount: paid,
        currency: currency.clone(),
        automatic,
        status: PayoutStatus::Pending,
        balance_transaction,
        failure_balance_transaction: None,
        created: work.now,
    });
    announce(work, &id, "payout.created")?;
    let back = (outcome == PayoutOutcome::Failed).then(|| {
        let back = line(work, Line::PayoutFailure, Some(account_id), paid, &currency, &id);
        book(work, back)
    });
    work.state.payouts.change(&id, |payout| {
        payout.status = if back.is_some() { PayoutStatus::Failed } else { PayoutStatus::Paid };
        payout.failure_balance_transaction = back;
    });
    announce(work, &id, if outcome == PayoutOutcome::Failed { "payout.failed" } else { "payout.paid" })
}

/// Records an event about a payout, and returns the payout.
fn announce(work: &mut Work, id: &str, kind: &str) -> Outcome {
    let payout = work.state.payouts.get(id).ok_or_else(|| ApiError::internal("The payout is gone."))?;
    let (object, account) = (render::payout(payout), payout.account.clone());
    emit(work, kind, object.clone(), Some(&account));
    Ok(object)
}
