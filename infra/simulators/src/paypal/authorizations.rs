//! Authorizations: money that a payer has promised, for 29 days, and that PayPal vouches for during three.
//! Source: <https://developer.paypal.com/docs/api/payments/v2/#authorizations>.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::api_error::ApiError;
use super::body::check_length;
use super::captures::{self, Taking};
use super::orders::{self, PaymentInstruction};
use super::payers::{self, Behaviour};
use super::state::{Authorization, AuthorizationStatus, Order};
use super::work::{Answer, Outcome, Work};
use super::{HONOUR_PERIOD, events, ids, money};

/// How many captures an authorization allows.
const MOST_CAPTURES: usize = 10;

/// `POST /v2/payments/authorizations/{id}/capture`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaptureAuthorization {
    amount: Option<money::Wire>,
    #[serde(default)]
    final_capture: bool,
    invoice_id: Option<String>,
    note_to_payer: Option<String>,
    soft_descriptor: Option<String>,
    payment_instruction: Option<PaymentInstruction>,
}

/// `POST /v2/payments/authorizations/{id}/reauthorize`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reauthorize {
    amount: Option<money::Wire>,
}

/// `POST /v2/payments/authorizations/{id}/void` has an empty body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Void {}

/// The authorization that the payer gave: a reauthorization only renews it.
fn given(work: &Work, authorization: &Authorization) -> Authorization {
    let given = authorization.renews.as_deref().and_then(|id| work.state.authorizations.get(id));
    given.unwrap_or(authorization).clone()
}

fn check_open(work: &Work, given: &Authorization) -> Result<(), ApiError> {
    if given.expires_at <= work.now {
        return Err(ApiError::unprocessable("AUTHORIZATION_EXPIRED"));
    }
    match given.status {
        AuthorizationStatus::Created | AuthorizationStatus::PartiallyCaptured => Ok(()),
        AuthorizationStatus::Captured => Err(ApiError::unprocessable("AUTHORIZATION_ALREADY_CAPTURED")),
        AuthorizationStatus::Voided => Err(ApiError::unprocessable("AUTHORIZATION_VOIDED")),
    }
}

/// Refuses who cannot pay any more, and is not vouched for.
fn check_funds(work: &Work, order: &Order, honoured_until: i64) -> Result<(), ApiError> {
    let spends = order.payer.as_deref().map(payers::behaviour) == Some(Behaviour::SpendsItLater);
    if spends && honoured_until <= work.now {
        return Err(ApiError::unprocessable("PAYER_CANNOT_PAY"));
    }
    Ok(())
}

/// Captures the whole, or a part.
///
/// The platform's fee is the one this call names. What the order said about it does not count here, because
/// PayPal documents the fee of a capture as a part of the capture.
pub(super) fn capture(work: &mut Work, id: &str, request: CaptureAuthorization) -> Outcome {
    let (authorization, order) = work.authorization(id)?;
    work.check_acting_for(&order.payee, "PAYMENT")?;
    check_length("/invoice_id", request.invoice_id.as_deref(), 127)?;
    check_length("/note_to_payer", request.note_to_payer.as_deref(), 255)?;
    check_length("/soft_descriptor", request.soft_descriptor.as_deref(), 22)?;
    let given = given(work, &authorization);
    check_open(work, &given)?;
    let left = (authorization.amount - authorization.captured).min(given.amount - given.captured);
    let amount = match &request.amount {
        Some(amount) => amount.positive("/amount")?,
        None => money::Money { minor: left, currency: order.currency.clone() },
    };
    if amount.currency != order.currency {
        let error = ApiError::unprocessable("AUTH_CAPTURE_CURRENCY_MISMATCH");
        return Err(error.at("/amount/currency_code", &amount.currency));
    }
    if left == 0 {
        return Err(ApiError::unprocessable("AUTHORIZATION_ALREADY_CAPTURED"));
    }
    if amount.minor > left {
        let value = money::value(amount.minor, &amount.currency);
        return Err(ApiError::unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED").at("/amount/value", &value));
    }
    let platform_fee = match &request.payment_instruction {
        Some(instruction) => instruction.platform_fee(work, "/payment_instruction", &amount, &order.payee)?,
        None => None,
    };
    orders::check_payee(work, &order.payee)?;
    let of_it = |authorization: Option<&str>| {
        let renewed = authorization.and_then(|id| work.state.authorizations.get(id));
        renewed.is_some_and(|row| row.id == given.id || row.renews.as_deref() == Some(given.id.as_str()))
    };
    let earlier = work.state.captures.iter().filter(|capture| of_it(capture.authorization.as_deref()));
    if earlier.count() >= MOST_CAPTURES {
        return Err(ApiError::unprocessable("MAX_CAPTURE_COUNT_EXCEEDED"));
    }
    let invoice_id = request.invoice_id.or_else(|| order.invoice_id.clone());
    captures::check_invoice(work, &order, invoice_id.as_deref())?;
    check_funds(work, &order, authorization.honoured_until)?;
    let now = work.now;
    // The two are one, unless it was renewed.
    for row in BTreeSet::from([given.id.as_str(), id]) {
        work.state.authorizations.change(row, |row| {
            row.captured += amount.minor;
            let done = request.final_capture || row.captured >= row.amount;
            row.status = match done {
                true => AuthorizationStatus::Captured,
                false => AuthorizationStatus::PartiallyCaptured,
            };
            row.updated = now;
        });
    }
    let taking = Taking {
        authorization: Some(id.to_owned()),
        amount: amount.minor,
        platform_fee: platform_fee.unwrap_or(0),
        final_capture: request.final_capture,
        invoice_id,
    };
    let id = captures::take(work, &order, taking);
    Ok(Answer::Object { status: 201, id })
}

/// Lets the payer keep the money.
pub(super) fn void(work: &mut Work, id: &str) -> Outcome {
    let (authorization, order) = work.authorization(id)?;
    work.check_acting_for(&order.payee, "PAYMENT")?;
    if authorization.renews.is_some() {
        return Err(ApiError::unprocessable("CANNOT_BE_VOIDED"));
    }
    match authorization.status {
        AuthorizationStatus::Created => {}
        AuthorizationStatus::Voided => return Err(ApiError::unprocessable("PREVIOUSLY_VOIDED")),
        AuthorizationStatus::PartiallyCaptured | AuthorizationStatus::Captured => {
            return Err(ApiError::unprocessable("PREVIOUSLY_CAPTURED"));
        }
    }
    end(work, id);
    Ok(Answer::Quiet { id: id.to_owned() })
}

/// Ends an authorization that nothing was captured of: it was voided, or its time is over.
pub(super) fn end(work: &mut Work, id: &str) {
    let now = work.now;
    for row in work.state.authorizations.iter_mut() {
        if row.id == id || row.renews.as_deref() == Some(id) {
            row.status = AuthorizationStatus::Voided;
            row.updated = now;
        }
    }
    events::authorization(work, "PAYMENT.AUTHORIZATION.VOIDED", "A payment authorization was voided", id);
}

/// Has PayPal vouch for the money again.
pub(super) fn reauthorize(work: &mut Work, id: &str, request: &Reauthorize) -> Outcome {
    let (authorization, order) = work.authorization(id)?;
    work.check_acting_for(&order.payee, "PAYMENT")?;
    if authorization.renews.is_some() {
        return Err(ApiError::unprocessable("REAUTHORIZATION_NOT_SUPPORTED"));
    }
    check_open(work, &authorization)?;
    let left = authorization.amount - authorization.captured;
    let amount = match &request.amount {
        Some(amount) => amount.positive("/amount")?,
        None => money::Money { minor: left, currency: order.currency.clone() },
    };
    if amount.currency != order.currency {
        let error = ApiError::unprocessable("AUTH_CURRENCY_MISMATCH");
        return Err(error.at("/amount/currency_code", &amount.currency));
    }
    if amount.minor > left {
        return Err(ApiError::unprocessable("AUTHORIZATION_AMOUNT_EXCEEDED").at("/amount/value", ""));
    }
    let renewed = |row: &Authorization| row.renews.as_deref() == Some(id);
    if work.now < authorization.honoured_until || work.state.authorizations.iter().any(renewed) {
        return Err(ApiError::unprocessable("REAUTHORIZATION_TOO_SOON"));
    }
    check_funds(work, &order, authorization.honoured_until)?;
    let renewal = Authorization {
        id: ids::transaction(),
        order: order.id,
        renews: Some(id.to_owned()),
        status: AuthorizationStatus::Created,
        amount: amount.minor,
        captured: 0,
        honoured_until: work.now + HONOUR_PERIOD,
        expires_at: authorization.expires_at,
        created: work.now,
        updated: work.now,
    };
    let id = renewal.id.clone();
    work.state.authorizations.add(renewal);
    events::authorization(work, "PAYMENT.AUTHORIZATION.CREATED", "A payment authorization was created", &id);
    Ok(Answer::Object { status: 201, id })
}
