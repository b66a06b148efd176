//! Refunds of application fees. Source: <https://docs.stripe.com/api/fee_refunds>.

use super::prelude::*;

/// `POST /v1/application_fees/{id}/refunds`.
pub(super) fn create_refund(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["amount expand[] metadata metadata[*]"])?;
    let metadata = validate::metadata(form)?;
    let fee = work.state.fees.get(id).ok_or_else(|| ApiError::missing("application fee", id, "id"))?;
    let left = fee.amount - fee.amount_refunded;
    if left == 0 {
        return Err(fully_refunded(id));
    }
    let amount = validate::amount_up_to(form, left, &fee.currency, |amount, left| {
        format!("Refund amount ({amount}) is greater than unrefunded amount on fee ({left})")
    })?;
    let refund = refund(work, id, amount, metadata)?;
    about(work, "application_fee.refunded", id);
    Ok(render::fee_refund(&refund))
}

/// The part of a fee to refund: `part`, but at most what is left. An error when nothing is left.
pub(super) fn part(fee: &Fee, part: i64) -> Result<i64, ApiError> {
    let left = fee.amount - fee.amount_refunded;
    if left == 0 && part > 0 { Err(fully_refunded(&fee.id)) } else { Ok(part.min(left)) }
}

fn fully_refunded(id: &str) -> ApiError {
    ApiError::invalid(format!("Application fee {id} has already been refunded.")).after_work_began()
}

/// Refunds `amount` of a fee to the account that paid it. The event is left to the caller.
pub(super) fn refund(
    work: &mut Work,
    fee: &str,
    amount: i64,
    metadata: Metadata,
) -> Result<FeeRefund, ApiError> {
    let paid = work.state.fees.get_mut(fee).ok_or_else(|| ApiError::missing("application fee", fee, "id"))?;
    paid.amount_refunded += amount;
    let (payer, currency) = (paid.account.clone(), paid.currency.clone());
    let id = format!("fr_{}", random::letters(24));
    let out = line(work, Line::ApplicationFeeRefund, None, -amount, &currency, &id);
    let back = line(work, Line::FeeReturned, Some(&payer), amount, &currency, &id);
    let balance_transaction = book(work, out);
    book(work, back);
    let (fee, created) = (fee.to_owned(), work.now);
    let refund = FeeRefund { id, fee, amount, currency, metadata, balance_transaction, created };
    work.state.fee_refunds.add(refund.clone());
    Ok(refund)
}
