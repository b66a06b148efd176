//! Giving application fees back. Source: <https://docs.stripe.com/api/fee_refunds>.

use super::api_error::ApiError;
use super::books::{book, line};
use super::events::emit;
use super::form::Form;
use super::state::{Fee, FeeRefund, Line, Metadata};
use super::work::{Outcome, Work};
use super::{in_words, render, validate};
use crate::random;

/// `POST /v1/application_fees/{id}/refunds`.
pub(super) fn create_refund(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["amount", "expand[]", "metadata", "metadata[*]"])?;
    let metadata = validate::metadata(form, &Default::default())?;
    let at_platform = work.origin.account.is_none();
    let fee = work.state.fees.get(id).filter(|_| at_platform);
    let fee = fee.ok_or_else(|| ApiError::missing("application fee", id, "id"))?;
    let left = fee.amount - fee.refunded;
    if left == 0 {
        return Err(fully_refunded(id));
    }
    let amount = form.integer("amount")?.unwrap_or(left);
    if amount < 1 {
        return Err(validate::not_positive("amount"));
    }
    validate::whole("amount", amount, &fee.currency)?;
    if amount > left {
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on fee ({})",
            in_words(amount, &fee.currency),
            in_words(left, &fee.currency)
        );
        return Err(ApiError::invalid(message).param("amount").after_work_began());
    }
    let refund = give_back(work, id, amount, metadata)?;
    about_refunded(work, id);
    Ok(render::fee_refund(&refund))
}

/// How much of the fee goes back for `part`: no more than is left, and an error when nothing is.
pub(super) fn part(fee: &Fee, part: i64) -> Result<i64, ApiError> {
    let left = fee.amount - fee.refunded;
    if left == 0 && part > 0 {
        return Err(fully_refunded(&fee.id));
    }
    Ok(part.min(left))
}

fn fully_refunded(id: &str) -> ApiError {
    ApiError::invalid(format!("Application fee {id} has already been refunded.")).after_work_began()
}

/// Gives `amount` of a fee back to the account that paid it. Nobody is told yet.
pub(super) fn give_back(
    work: &mut Work,
    fee: &str,
    amount: i64,
    metadata: Metadata,
) -> Result<FeeRefund, ApiError> {
    let paid = work.state.fees.get_mut(fee).ok_or_else(|| ApiError::missing("application fee", fee, "id"))?;
    paid.refunded += amount;
    let (payer, currency) = (paid.account.clone(), paid.currency.clone());
    let id = format!("fr_{}", random::letters(24));
    let out = line(work, Line::ApplicationFeeRefund, None, -amount, &currency, &id);
    let back = line(work, Line::FeeReturned, Some(&payer), amount, &currency, &id);
    let transaction = book(work, out);
    book(work, back);
    let refund =
        FeeRefund { id, fee: fee.to_owned(), amount, currency, metadata, transaction, created: work.now };
    work.state.fee_refunds.add(refund.clone());
    Ok(refund)
}

/// Tells that some of a fee was given back.
pub(super) fn about_refunded(work: &mut Work, fee: &str) {
    if let Some(object) = render::any(work.state, fee) {
        emit(work, "application_fee.refunded", object, None);
    }
}
