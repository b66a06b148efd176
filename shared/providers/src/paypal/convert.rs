//! Our words in PayPal's, and PayPal's amounts in ours. Pure.

use std::fmt::Display;

use app::payments::ports::{AccountState, Buyer, PaymentError};
use domain::payments::payment::{Payment, Plan};
use domain::{Currency, Money};
use serde_json::{Value, json};

use super::refused;
use super::wire::{Amount, Breakdown, Capture, Refund, Seller};

/// Currencies that PayPal gives no digits behind the point, whatever ISO 4217 does
/// (<https://developer.paypal.com/api/rest/reference/currency-codes/>).
const WITHOUT_DIGITS: [&str; 3] = ["HUF", "JPY", "TWD"];
/// Most digits behind the point that PayPal gives any currency.
const MOST_DIGITS: u16 = 2;
/// Longest description of an order, in characters.
const LONGEST_DESCRIPTION: usize = 127;
/// What an expert lets the platform do for them: take payments with a fee, give money back, and see disputes.
const FEATURES: [&str; 5] =
    ["PAYMENT", "REFUND", "PARTNER_FEE", "ACCESS_MERCHANT_INFORMATION", "READ_SELLER_DISPUTE"];

/// How many digits behind the point PayPal shows of a currency.
fn digits(currency: Currency) -> u16 {
    if WITHOUT_DIGITS.contains(&currency.code()) { 0 } else { currency.exponent().min(MOST_DIGITS) }
}

/// The least amount that PayPal can show, in minor units.
fn step(currency: Currency) -> u64 {
    10_u64.pow(u32::from(currency.exponent() - digits(currency)))
}

/// The largest amount that PayPal can show and that is no more than this.
pub(super) fn down(money: Money) -> Money {
    let amount = money.amount();
    money.with_amount(amount - amount % step(money.currency())).unwrap_or(money)
}

/// The least amount that PayPal can show and that is no less than this, but at most `whole`.
pub(super) fn up(money: Money, whole: Money) -> Money {
    let amount = money.amount().next_multiple_of(step(money.currency())).min(whole.amount());
    money.with_amount(amount).unwrap_or(money)
}

/// An amount as PayPal writes it.
///
/// # Errors
/// When it has more digits than PayPal can show.
pub(super) fn to_paypal(money: Money) -> Result<Value, PaymentError> {
    let (amount, currency) = (money.amount(), money.currency());
    let step = step(currency);
    if currency.exponent() > MOST_DIGITS || !amount.is_multiple_of(step) {
        let message = format!("{money} has more digits than this payment gateway can show of the currency");
        return Err(refused("amount_not_chargeable", message));
    }
    let (counted, places) = (amount / step, usize::from(digits(currency)));
    let unit = 10_u64.pow(u32::from(digits(currency)));
    let value = match places {
        0 => counted.to_string(),
        _ => format!("{}.{:0places$}", counted / unit, counted % unit),
    };
    Ok(json!({ "currency_code": currency.code(), "value": value }))
}

/// An amount that PayPal tells.
///
/// # Errors
/// When it cannot be told in our words. It is never rounded.
pub(super) fn from_paypal(amount: &Amount) -> Result<Money, PaymentError> {
    let Amount { currency_code, value } = amount;
    read(currency_code, value).ok_or_else(|| {
        let shown: String = format!("{value} {currency_code}").chars().take(60).collect();
        PaymentError::Unavailable(format!("PayPal tells of {shown}, which is no amount that we can hold"))
    })
}

fn read(code: &str, value: &str) -> Option<Money> {
    let currency = Currency::try_from(code.to_owned()).ok()?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // Nothing that we can hold has more digits, and so no number below overflows.
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

/// The platform's part of a payment; nothing at all when it has none.
fn platform_fees(fee: Money) -> Result<Value, PaymentError> {
    if fee.is_zero() { Ok(json!([])) } else { Ok(json!([{ "amount": to_paypal(fee)? }])) }
}

/// An order for the whole amount. The invoice keeps the expert from being paid twice for one appointment, whatever goes wrong.
///
/// # Errors
/// When the amount cannot be shown, or the plan is not one that PayPal knows.
pub(super) fn order(payment: &Payment, buyer: &Buyer<'_>) -> Result<Value, PaymentError> {
    let intent = match payment.plan {
        Plan::Charge => "CAPTURE",
        Plan::Authorise => "AUTHORIZE",
        Plan::SaveCard => {
            return Err(refused("cards_not_saved", "this payment gateway saves no cards".to_owned()));
        }
    };
    let mut instruction = json!({ "disbursement_mode": "INSTANT" });
    if payment.plan == Plan::Charge {
        // Of what is only set aside the fee is named when it is taken.
        instruction["platform_fees"] = platform_fees(down(payment.fee()))?;
    }
    let description: String = buyer.description.chars().take(LONGEST_DESCRIPTION).collect();
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
            "shipping_preference": "NO_SHIPPING",
        } } },
    }))
}

/// Takes a part of what is set aside, and lets go of the rest.
pub(super) fn capture(amount: Money, fee: Money) -> Result<Value, PaymentError> {
    Ok(json!({
        "amount": to_paypal(amount)?,
        "final_capture": true,
        "payment_instruction": { "disbursement_mode": "INSTANT", "platform_fees": platform_fees(down(fee))? },
    }))
}

/// Gives a part back. The invoice tells the key, for when PayPal has forgotten it.
pub(super) fn refund(payment: &Payment, amount: Money, fee: Money, key: &str) -> Result<Value, PaymentError> {
    Ok(json!({
        "amount": to_paypal(amount)?,
        "custom_id": payment.appointment,
        "invoice_id": key,
        "payment_instruction": { "platform_fees": platform_fees(fee)? },
    }))
}

/// The platform's part of a capture or a refund.
pub(super) fn fee_of(breakdown: Option<&Breakdown>, nothing: Money) -> Result<Money, PaymentError> {
    let fees = breakdown.map(|breakdown| breakdown.platform_fees.as_slice()).unwrap_or_default();
    fees.iter().try_fold(nothing, |sum, fee| {
        let more = from_paypal(&fee.amount)?;
        sum.with_amount(sum.amount() + more.amount())
            .map_err(|error| PaymentError::Unavailable(error.to_string()))
    })
}

/// What the platform gives back of its fee with a refund of `amount`, so that it keeps its part of what stays paid.
pub(super) fn fee_back(capture: &Capture, refunds: &[&Refund], amount: Money) -> Result<Money, PaymentError> {
    let captured = from_paypal(&capture.amount)?;
    let taken = fee_of(capture.seller_receivable_breakdown.as_ref(), captured.nothing())?;
    let (mut back, mut given) = (amount.amount(), 0);
    for refund in refunds {
        back += from_paypal(&refund.amount)?.amount();
        given += fee_of(refund.seller_payable_breakdown.as_ref(), captured.nothing())?.amount();
    }
    let due = taken.proportion(back.min(captured.amount()), captured.amount()).amount().saturating_sub(given);
    // PayPal takes no more from the platform than what it adds up to, also when an expert gave money back by themselves.
    let most = amount.amount().min(taken.amount().saturating_sub(given));
    Ok(down(taken.with_amount(due.min(most)).unwrap_or(taken.nothing())))
}

/// An invitation to an expert, to be paid through the platform.
pub(super) fn referral(tracking_id: &str, return_url: &str) -> Value {
    json!({
        "tracking_id": tracking_id,
        "operations": [{
            "operation": "API_INTEGRATION",
            "api_integration_preference": { "rest_api_integration": {
                "integration_method": "PAYPAL",
                "integration_type": "THIRD_PARTY",
                "third_party_details": { "features": FEATURES },
            } },
        }],
        "products": ["EXPRESS_CHECKOUT"],
        "legal_consents": [{ "type": "SHARE_DATA_CONSENT", "granted": true }],
        "partner_config_override": { "return_url": return_url },
    })
}

/// An expert who was invited and has not agreed yet. Until then they are known by the platform's name for them.
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

/// An expert whom PayPal does not know any more.
pub(super) fn gone(merchant_id: &str) -> AccountState {
    AccountState {
        disabled_reason: Some("PayPal does not know the account any more".to_owned()),
        ..invited(merchant_id)
    }
}

/// What PayPal says of an expert who agreed. What they receive is at once in their own balance, so they are paid out whenever
/// they can be paid.
pub(super) fn seller(seller: Seller, client_id: &str) -> AccountState {
    let mut grants = seller.oauth_integrations.iter().flat_map(|integration| &integration.oauth_third_party);
    let granted = grants.any(|grant| grant.partner_client_id.as_deref().is_none_or(|id| id == client_id));
    let mut requirements_due = Vec::new();
    let mut require = |is_done: bool, what: &str| {
        if !is_done {
            requirements_due.push(what.to_owned());
        }
    };
    require(granted, "agree again that this platform acts for the account, on the onboarding page");
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
