//! Converts domain types to PayPal's requests, and PayPal's amounts and accounts to ours. Pure.

use std::fmt::Display;

use app::payments::ports::{AccountState, Buyer, GatewayError};
use domain::payments::payment::{Payment, Plan};
use domain::{Currency, Money};
use serde_json::{Value, json};

use super::errors::refused;
use super::hold::disbursement_mode;
use super::wire::{Amount, Breakdown, Capture, Grant, Refund, Seller};

/// Currencies for which PayPal uses no decimal places, although ISO 4217 may
/// (<https://developer.paypal.com/api/rest/reference/currency-codes/>).
const WITHOUT_DECIMALS: [&str; 3] = ["HUF", "JPY", "TWD"];
/// Maximum number of decimal places that PayPal uses for any currency.
const MAX_DECIMALS: u16 = 2;
/// Maximum length of an order's description, in characters.
const MAX_DESCRIPTION: usize = 127;
/// What an expert permits the platform to do: take payments with a fee, refund them, and read the account and its disputes.
const FEATURES: [&str; 5] =
    ["PAYMENT", "REFUND", "PARTNER_FEE", "ACCESS_MERCHANT_INFORMATION", "READ_SELLER_DISPUTE"];
/// What an expert also permits if the platform may have PayPal hold their share, and the end of the scope that shows it.
const HOLDING: (&str, &str) = ("DELAY_FUNDS_DISBURSEMENT", "/delay-funds-disbursement");

/// The number of decimal places that PayPal uses for a currency.
fn decimals(currency: Currency) -> u16 {
    if WITHOUT_DECIMALS.contains(&currency.code()) { 0 } else { currency.exponent().min(MAX_DECIMALS) }
}

/// The smallest amount that PayPal can represent, in minor units.
fn step(currency: Currency) -> u64 {
    10_u64.pow(u32::from(currency.exponent() - decimals(currency)))
}

/// Rounds down to an amount that PayPal can represent.
pub(super) fn round_down(money: Money) -> Money {
    let amount = money.amount();
    money.with_amount(amount - amount % step(money.currency())).unwrap_or(money)
}

/// Rounds up to an amount that PayPal can represent, but to `whole` at most.
pub(super) fn round_up(money: Money, whole: Money) -> Money {
    let amount = money.amount().next_multiple_of(step(money.currency())).min(whole.amount());
    money.with_amount(amount).unwrap_or(money)
}

/// An amount in PayPal's format.
///
/// # Errors
/// If the amount has more decimal places than PayPal uses for its currency.
pub(super) fn to_paypal(money: Money) -> Result<Value, GatewayError> {
    let (amount, currency) = (money.amount(), money.currency());
    let step = step(currency);
    if currency.exponent() > MAX_DECIMALS || !amount.is_multiple_of(step) {
        let message =
            format!("{money} has more decimal places than this payment gateway supports for the currency");
        return Err(refused("amount_not_chargeable", message));
    }
    let (counted, places) = (amount / step, usize::from(decimals(currency)));
    let unit = 10_u64.pow(u32::from(decimals(currency)));
    let value = match places {
        0 => counted.to_string(),
        _ => format!("{}.{:0places$}", counted / unit, counted % unit),
    };
    Ok(json!({ "currency_code": currency.code(), "value": value }))
}

/// Converts an amount of PayPal's.
///
/// # Errors
/// If [`Money`] cannot represent the amount. It is never rounded.
pub(super) fn from_paypal(amount: &Amount) -> Result<Money, GatewayError> {
    let Amount { currency_code, value } = amount;
    read(currency_code, value).ok_or_else(|| {
        let shown: String = format!("{value} {currency_code}").chars().take(60).collect();
        GatewayError::Unavailable(format!("PayPal reports {shown}, an amount that cannot be represented"))
    })
}

fn read(code: &str, value: &str) -> Option<Money> {
    let currency = Currency::try_from(code.to_owned()).ok()?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // `Money` holds no amount with more digits. The limit also keeps the numbers below from overflowing.
    let short = whole.len() <= 12 && decimals.len() <= 6;
    if whole.is_empty() || !short || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let places = usize::from(currency.exponent());
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > places {
        return None;
    }
    let minor: u64 = format!("{whole}{decimals:0<places$}").parse().ok()?;
    Money::new(minor, currency).ok()
}

/// The `PayPal-Request-Id` of a step of a payment.
pub(super) fn key(payment: &Payment, step: &str, ordinal: impl Display) -> String {
    match payment.refusals {
        0 => format!("{}:{step}:{ordinal}", payment.appointment),
        refusals => format!("{}:{step}:{ordinal}:{refusals}", payment.appointment),
    }
}

/// The platform's fee of a payment; an empty list if there is none.
fn platform_fees(fee: Money) -> Result<Value, GatewayError> {
    if fee.is_zero() { Ok(json!([])) } else { Ok(json!([{ "amount": to_paypal(fee)? }])) }
}

/// An order for the whole amount. The invoice id keeps the expert from being paid twice for one appointment. The client cannot pay by
/// eCheck: it clears or bounces days later, and a hold lasts minutes.
///
/// # Errors
/// If PayPal cannot represent the amount, or does not support the plan.
pub(super) fn order(payment: &Payment, buyer: &Buyer<'_>) -> Result<Value, GatewayError> {
    let intent = match payment.plan {
        Plan::Charge => "CAPTURE",
        Plan::Authorize => "AUTHORIZE",
        Plan::SaveCard => {
            return Err(refused("cards_not_saved", "this payment gateway saves no cards".to_owned()));
        }
    };
    let mut instruction = json!({ "disbursement_mode": disbursement_mode(payment) });
    if payment.plan == Plan::Charge {
        // If the amount is only authorized, the capture states the fee.
        instruction["platform_fees"] = platform_fees(round_down(payment.fee()))?;
    }
    let description: String = buyer.description.chars().take(MAX_DESCRIPTION).collect();
    Ok(json!({
        "intent": intent,
        "purchase_units": [{
            "custom_id": payment.appointment,
            "invoice_id": payment.appointment,
            "description": description,
            "amount": to_paypal(payment.amount)?,
            "payee": { "merchant_id": payment.destination },
            "payment_instruction": instruction,
        }],
        "payment_source": { "paypal": { "experience_context": {
            "return_url": buyer.return_url,
            "cancel_url": buyer.return_url,
            "user_action": "PAY_NOW",
            "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
            "shipping_preference": "NO_SHIPPING",
        } } },
    }))
}

/// Captures a part of an authorization and releases the rest.
pub(super) fn capture(payment: &Payment, amount: Money, fee: Money) -> Result<Value, GatewayError> {
    Ok(json!({
        "amount": to_paypal(amount)?,
        "final_capture": true,
        "payment_instruction": {
            "disbursement_mode": disbursement_mode(payment),
            "platform_fees": platform_fees(round_down(fee))?,
        },
    }))
}

/// Refunds a part of a capture. The invoice id is the idempotency key, because PayPal deletes idempotency keys.
pub(super) fn refund(payment: &Payment, amount: Money, fee: Money, key: &str) -> Result<Value, GatewayError> {
    Ok(json!({
        "amount": to_paypal(amount)?,
        "custom_id": payment.appointment,
        "invoice_id": key,
        "payment_instruction": { "platform_fees": platform_fees(fee)? },
    }))
}

/// The platform's fee of a capture or a refund.
pub(super) fn fee_of(breakdown: Option<&Breakdown>, nothing: Money) -> Result<Money, GatewayError> {
    let fees = breakdown.map(|breakdown| breakdown.platform_fees.as_slice()).unwrap_or_default();
    fees.iter().try_fold(nothing, |sum, fee| {
        let more = from_paypal(&fee.amount)?;
        sum.with_amount(sum.amount() + more.amount())
            .map_err(|error| GatewayError::Unavailable(error.to_string()))
    })
}

/// The part of its fee that the platform refunds along with `amount`, so that it keeps its share of what remains paid. `processing_cost`
/// is the part of the rest with which the client pays for the processing of the refund; there is no fee on it.
pub(super) fn refunded_fee(
    capture: &Capture,
    refunds: &[&Refund],
    amount: Money,
    processing_cost: u64,
) -> Result<Money, GatewayError> {
    let captured = from_paypal(&capture.amount)?;
    let taken = fee_of(capture.seller_receivable_breakdown.as_ref(), captured.zero())?;
    let (mut refunded, mut refunded_fees) = (amount.amount().saturating_add(processing_cost), 0);
    for refund in refunds {
        refunded += from_paypal(&refund.amount)?.amount();
        refunded_fees += fee_of(refund.seller_payable_breakdown.as_ref(), captured.zero())?.amount();
    }
    let share = taken.prorate(refunded.min(captured.amount()), captured.amount());
    let due = share.amount().saturating_sub(refunded_fees);
    // PayPal takes at most the amount, and at most the rest of the fee, also after a refund that the expert made without us.
    let most = amount.amount().min(taken.amount().saturating_sub(refunded_fees));
    Ok(round_down(taken.with_amount(due.min(most)).unwrap_or(taken.zero())))
}

/// An invitation to an expert to be paid through the platform. `may_hold` says whether the expert must permit that PayPal holds
/// their share.
pub(super) fn referral(tracking_id: &str, return_url: &str, may_hold: bool) -> Value {
    let features: Vec<&str> = FEATURES.into_iter().chain(may_hold.then_some(HOLDING.0)).collect();
    json!({
        "tracking_id": tracking_id,
        "operations": [{
            "operation": "API_INTEGRATION",
            "api_integration_preference": { "rest_api_integration": {
                "integration_method": "PAYPAL",
                "integration_type": "THIRD_PARTY",
                "third_party_details": { "features": features },
            } },
        }],
        "products": ["EXPRESS_CHECKOUT"],
        "legal_consents": [{ "type": "SHARE_DATA_CONSENT", "granted": true }],
        "partner_config_override": { "return_url": return_url },
    })
}

/// The state of an account whose owner has not accepted the invitation yet. Its id is the tracking id.
pub(super) fn invited(tracking_id: &str) -> AccountState {
    AccountState {
        id: tracking_id.to_owned(),
        charges_enabled: false,
        payouts_enabled: false,
        requirements_due: vec![
            "sign in to PayPal on the onboarding page and agree to be paid through this platform".to_owned(),
        ],
        disabled_reason: None,
    }
}

/// The state of an account that no longer exists at PayPal.
pub(super) fn unknown_account(merchant_id: &str) -> AccountState {
    AccountState {
        disabled_reason: Some("PayPal does not know the account any more".to_owned()),
        ..invited(merchant_id)
    }
}

/// The state of an account whose owner accepted the invitation. Payments reach the owner's balance without a payout of ours, so
/// payouts are enabled whenever charges are. With `may_hold`, an owner who has not permitted that PayPal holds their share must
/// accept another invitation: PayPal would refuse their payments.
pub(super) fn seller(seller: Seller, client_id: &str, may_hold: bool) -> AccountState {
    let grants = seller.oauth_integrations.iter().flat_map(|integration| &integration.oauth_third_party);
    let ours = |grant: &&Grant| grant.partner_client_id.as_deref().is_none_or(|id| id == client_id);
    let grants: Vec<&Grant> = grants.filter(ours).collect();
    let granted = !grants.is_empty();
    let permits_holding =
        grants.iter().flat_map(|grant| &grant.scopes).any(|scope| scope.ends_with(HOLDING.1));
    let mut requirements_due = Vec::new();
    let mut require = |is_done: bool, what: &str| {
        if !is_done {
            requirements_due.push(what.to_owned());
        }
    };
    require(granted, "agree again that this platform acts for the account, on the onboarding page");
    require(
        !may_hold || !granted || permits_holding,
        "agree that PayPal holds payments until after the sessions, on the onboarding page",
    );
    require(
        seller.primary_email_confirmed,
        "confirm the e-mail address of the PayPal account, by the link that PayPal sent",
    );
    require(
        seller.payments_receivable,
        "let the PayPal account receive payments: PayPal says there what it still wants to know",
    );
    let ready = requirements_due.is_empty();
    AccountState {
        id: seller.merchant_id,
        charges_enabled: ready,
        payouts_enabled: ready,
        requirements_due,
        disabled_reason: (!granted).then(|| "consent revoked".to_owned()),
    }
}

#[cfg(test)]
pub(super) mod tests;
