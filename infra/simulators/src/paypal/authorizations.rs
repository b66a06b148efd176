//! Authorizations, which can be captured for 29 days and which PayPal honors for three.
//! Source: <https://developer.paypal.com/docs/api/payments/v2/#authorizations>.

use std::collections::BTreeSet;

use super::captures::{self, NewCapture};
use super::orders::{self, PaymentInstruction};
use super::prelude::*;
use super::{AUTHORIZATION_LASTS, HONOR_PERIOD};

/// The most captures of an authorization.
const MAX_CAPTURES: usize = 10;

/// `POST /v2/payments/authorizations/{id}/capture`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaptureAuthorization {
    amount: Option<money::Wire>,
    #[serde(default)]
    final_capture: bool,
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

/// The first authorization, which a reauthorization renews.
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

/// Refuses a payer without money, once PayPal does not honor the authorization any more.
fn check_funds(work: &Work, order: &Order, honored_until: i64) -> Result<(), ApiError> {
    if order.payer_behavior() == Some(Behavior::SpendsItLater) && honored_until <= work.now {
        return Err(ApiError::unprocessable("PAYER_CANNOT_PAY"));
    }
    Ok(())
}

/// Captures all that is left, or a part.
///
/// The platform's fee is the one that this request names, not the order's, because PayPal documents it as a part
/// of the capture.
pub(super) fn capture(work: &mut Work, id: &str, request: CaptureAuthorization) -> Outcome {
    let (authorization, order) = work.authorization(id)?;
    work.check_acting_for(&order.payee, "PAYMENT")?;
    let given = given(work, &authorization);
    check_open(work, &given)?;
    let left = (authorization.amount - authorization.captured).min(given.amount - given.captured);
    if left == 0 {
        return Err(ApiError::unprocessable("AUTHORIZATION_ALREADY_CAPTURED"));
    }
    let (mismatch, exceeded) = ("AUTH_CAPTURE_CURRENCY_MISMATCH", "MAX_CAPTURE_AMOUNT_EXCEEDED");
    let amount = money::requested(request.amount.as_ref(), left, &order.currency, mismatch, exceeded)?;
    let (platform_fee, is_delayed) = match &request.payment_instruction {
        Some(instruction) => {
            let field = "/payment_instruction";
            let is_delayed = instruction.is_delayed(work, field, &order.payee)?;
            (instruction.platform_fee(work, field, &amount, &order.payee)?, is_delayed)
        }
        None => (None, false),
    };
    orders::check_payee(work, &order.payee)?;
    let of_it = |authorization: Option<&str>| {
        let renewed = authorization.and_then(|id| work.state.authorizations.get(id));
        renewed.is_some_and(|row| row.id == given.id || row.renews.as_deref() == Some(given.id.as_str()))
    };
    let earlier = work.state.captures.iter().filter(|capture| of_it(capture.authorization.as_deref()));
    if earlier.count() >= MAX_CAPTURES {
        return Err(ApiError::unprocessable("MAX_CAPTURE_COUNT_EXCEEDED"));
    }
    captures::check_invoice(work, &order)?;
    check_funds(work, &order, authorization.honored_until)?;
    let now = work.now;
    // These are the same, unless it is a reauthorization.
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
    let new = NewCapture {
        authorization: Some(id.to_owned()),
        amount: amount.minor,
        platform_fee: platform_fee.unwrap_or(0),
        final_capture: request.final_capture,
        is_delayed,
    };
    let id = captures::create(work, &order, new);
    Ok(Success::Object { status: 201, id })
}

/// Voids an authorization that nothing was captured of.
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
    Ok(Success::NoContent { id: id.to_owned() })
}

/// Ends an authorization that nothing was captured of, because it was voided or has expired.
pub(super) fn end(work: &mut Work, id: &str) {
    let now = work.now;
    let authorizations = &mut work.state.authorizations;
    let of_payment = authorizations.iter().filter(|row| row.id == id || row.renews.as_deref() == Some(id));
    let ids: Vec<String> = of_payment.map(|row| row.id.clone()).collect();
    for id in ids {
        authorizations.change(&id, |row| {
            row.status = AuthorizationStatus::Voided;
            row.updated = now;
        });
    }
    events::about(work, "PAYMENT.AUTHORIZATION.VOIDED", id);
}

/// Renews the period for which PayPal honors an authorization.
pub(super) fn reauthorize(work: &mut Work, id: &str, request: &Reauthorize) -> Outcome {
    let (authorization, order) = work.authorization(id)?;
    work.check_acting_for(&order.payee, "PAYMENT")?;
    if authorization.renews.is_some() {
        return Err(ApiError::unprocessable("REAUTHORIZATION_NOT_SUPPORTED"));
    }
    check_open(work, &authorization)?;
    let left = authorization.amount - authorization.captured;
    let (mismatch, exceeded) = ("AUTH_CURRENCY_MISMATCH", "AUTHORIZATION_AMOUNT_EXCEEDED");
    let amount = money::requested(request.amount.as_ref(), left, &order.currency, mismatch, exceeded)?;
    let renewed = |row: &Authorization| row.renews.as_deref() == Some(id);
    if work.now < authorization.honored_until || work.state.authorizations.iter().any(renewed) {
        return Err(ApiError::unprocessable("REAUTHORIZATION_TOO_SOON"));
    }
    check_funds(work, &order, authorization.honored_until)?;
    let id = create(work, &order, amount.minor, Some(&authorization));
    Ok(Success::Object { status: 201, id })
}

/// Creates an authorization of an order, or one that renews another. Returns its id.
pub(super) fn create(work: &mut Work, order: &Order, amount: i64, renews: Option<&Authorization>) -> String {
    let id = ids::transaction();
    work.state.authorizations.add(Authorization {
        id: id.clone(),
        order: order.id.clone(),
        renews: renews.map(|renewed| renewed.id.clone()),
        status: AuthorizationStatus::Created,
        amount,
        captured: 0,
        honored_until: work.now + HONOR_PERIOD,
        expires_at: renews.map_or(work.now + AUTHORIZATION_LASTS, |renewed| renewed.expires_at),
        created: work.now,
        updated: work.now,
    });
    events::about(work, "PAYMENT.AUTHORIZATION.CREATED", &id);
    id
}
