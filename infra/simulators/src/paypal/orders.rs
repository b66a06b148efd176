//! Orders: created by the platform, approved by the payer, then authorized or captured.
//! Source: <https://developer.paypal.com/docs/api/orders/v2/>.

use super::captures::{self, NewCapture};
use super::prelude::*;

/// `POST /v2/checkout/orders`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateOrder {
    intent: Intent,
    purchase_units: Vec<PurchaseUnit>,
    payment_source: Option<PaymentSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PurchaseUnit {
    description: Option<String>,
    custom_id: Option<String>,
    invoice_id: Option<String>,
    amount: money::Wire,
    payee: Option<Payee>,
    payment_instruction: Option<PaymentInstruction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payee {
    merchant_id: String,
}

/// How a payment is split.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentInstruction {
    disbursement_mode: Option<String>,
    platform_fees: Option<Vec<PlatformFee>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformFee {
    amount: money::Wire,
    payee: Option<Payee>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentSource {
    paypal: PayPalWallet,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayPalWallet {
    experience_context: Option<ExperienceContext>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ExperienceContext {
    return_url: Option<String>,
    cancel_url: Option<String>,
    payment_method_preference: Option<PaymentMethodPreference>,
    // What PayPal's pages look like. The simulator's page ignores it.
    #[serde(rename = "user_action")]
    _user_action: Option<String>,
    #[serde(rename = "shipping_preference")]
    _shipping_preference: Option<String>,
}

/// With what the payer can pay.
#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PaymentMethodPreference {
    /// Everything, eChecks included.
    Unrestricted,
    ImmediatePaymentRequired,
}

impl PaymentInstruction {
    /// Whether PayPal holds the payment. The seller must have agreed to it.
    pub(super) fn is_delayed(&self, work: &Work, field: &str, payee: &str) -> Result<bool, ApiError> {
        let field = format!("{field}/disbursement_mode");
        match self.disbursement_mode.as_deref() {
            None | Some("INSTANT") => Ok(false),
            Some("DELAYED") if work.seller(payee, HOLDING).is_ok() => Ok(true),
            Some("DELAYED") => {
                Err(ApiError::unprocessable("DELAYED_DISBURSEMENT_NOT_SUPPORTED").at(&field, ""))
            }
            Some(mode) => Err(ApiError::bad_request("INVALID_PARAMETER_VALUE").at(&field, mode)),
        }
    }

    /// The platform's fee on a payment, when there is one.
    pub(super) fn platform_fee(
        &self,
        work: &Work,
        field: &str,
        payment: &money::Money,
        payee: &str,
    ) -> Result<Option<i64>, ApiError> {
        let field = format!("{field}/platform_fees");
        let fee = match self.platform_fees.as_deref() {
            None | Some([]) => return Ok(None),
            Some([fee]) => fee,
            Some(_) => {
                let error = ApiError::bad_request("INVALID_PARAMETER_VALUE").at(&field, "");
                return Err(error.because("A payment has one platform fee at most."));
            }
        };
        let recipient = fee.payee.as_ref().map(|payee| payee.merchant_id.as_str());
        if let Some(other) = recipient.filter(|recipient| *recipient != work.service.config.partner_id) {
            return Err(ApiError::unprocessable("INVALID_PLATFORM_FEES_ACCOUNT").at(&field, other));
        }
        let amount = fee.amount.not_negative(&format!("{field}/0/amount"))?;
        if payee == work.service.config.partner_id {
            return Err(ApiError::unprocessable("PLATFORM_FEES_NOT_SUPPORTED").at(&field, ""));
        }
        work.seller(payee, "PARTNER_FEE")?;
        if amount.currency != payment.currency {
            return Err(ApiError::unprocessable("MULTI_CURRENCY_ORDER").at(&field, &amount.currency));
        }
        if amount.minor > payment.minor {
            return Err(ApiError::unprocessable("INVALID_PLATFORM_FEES_AMOUNT").at(&field, ""));
        }
        Ok(Some(amount.minor))
    }
}

/// Creates an order. `has_request_id` says whether the call can be repeated safely.
pub(super) fn create(work: &mut Work, request: CreateOrder, has_request_id: bool) -> Outcome {
    let unit = match request.purchase_units.as_slice() {
        [unit] => unit,
        units => {
            let error = ApiError::bad_request("NOT_SUPPORTED").at("/purchase_units", "");
            let count = units.len();
            return Err(
                error.because(format!("The simulator takes orders with one purchase unit, not {count}."))
            );
        }
    };
    let field = "/purchase_units/0";
    let texts = [
        ("description", unit.description.as_deref(), 127),
        ("custom_id", unit.custom_id.as_deref(), 127),
        ("invoice_id", unit.invoice_id.as_deref(), 127),
    ];
    check_lengths(field, &texts)?;
    let with_source = request.payment_source.is_some();
    if with_source && !has_request_id {
        return Err(ApiError::bad_request("PAYPAL_REQUEST_ID_REQUIRED").at("PayPal-Request-Id", ""));
    }
    let context = request.payment_source.and_then(|source| source.paypal.experience_context);
    let context = context.unwrap_or_default();
    check_address("/experience_context/return_url", context.return_url.as_deref())?;
    check_address("/experience_context/cancel_url", context.cancel_url.as_deref())?;
    let amount = unit.amount.positive(&format!("{field}/amount"))?;
    let payee =
        unit.payee.as_ref().map_or(&work.service.config.partner_id, |payee| &payee.merchant_id).clone();
    work.check_assertion(&payee)?;
    check_payee(work, &payee)?;
    let (platform_fee, is_delayed) = match &unit.payment_instruction {
        Some(instruction) => {
            let field = format!("{field}/payment_instruction");
            let is_delayed = instruction.is_delayed(work, &field, &payee)?;
            (instruction.platform_fee(work, &field, &amount, &payee)?, is_delayed)
        }
        None => (None, false),
    };
    let id = ids::transaction();
    let order = Order {
        id: id.clone(),
        intent: request.intent,
        status: if with_source { OrderStatus::PayerActionRequired } else { OrderStatus::Created },
        description: unit.description.clone(),
        custom_id: unit.custom_id.clone(),
        invoice_id: unit.invoice_id.clone(),
        amount: amount.minor,
        currency: amount.currency,
        payee,
        platform_fee,
        is_delayed,
        immediate: context.payment_method_preference
            == Some(PaymentMethodPreference::ImmediatePaymentRequired),
        with_source,
        return_url: context.return_url,
        cancel_url: context.cancel_url,
        payer: None,
        created: work.now,
        updated: work.now,
    };
    work.state.orders.add(order);
    // With a payment source the status is 200, because PayPal has begun to process it.
    Ok(Success::Object { status: if with_source { 200 } else { 201 }, id })
}

/// Refuses a payment to a seller who cannot receive it, or has not granted the platform to take it.
pub(super) fn check_payee(work: &Work, payee: &str) -> Result<(), ApiError> {
    if payee == work.service.config.partner_id {
        return Ok(());
    }
    let seller = work.seller(payee, "PAYMENT")?;
    if !seller.payments_receivable || !seller.primary_email_confirmed {
        return Err(ApiError::unprocessable("PAYEE_ACCOUNT_RESTRICTED").at("payee/merchant_id", payee));
    }
    Ok(())
}

/// Approves an order as the payer does on PayPal's page.
pub(super) fn approve(work: &mut Work, id: &str, payer: &str) -> Outcome {
    let order = work.order(id)?;
    let (status, immediate) = (order.status, order.immediate);
    let payer = TestPayer::named(payer).ok_or_else(|| {
        let error = ApiError::bad_request("INVALID_PARAMETER_VALUE").at("payer", payer);
        error.because("There is no such test payer; TEST_PAYERS lists them.")
    })?;
    if immediate && payer.pays_by_echeck() {
        let error = ApiError::unprocessable("PAYER_CANNOT_PAY").at("payer", payer.name);
        return Err(error.because("The order requires an immediate payment, so PayPal offers no eCheck."));
    }
    match status {
        OrderStatus::Completed => return Err(already_completed(work, id)),
        OrderStatus::Approved => return Ok(Success::Object { status: 200, id: id.to_owned() }),
        OrderStatus::Created | OrderStatus::PayerActionRequired => {}
    }
    let now = work.now;
    work.state.orders.change(id, |order| {
        order.status = OrderStatus::Approved;
        order.payer = Some(payer.name.to_owned());
        order.updated = now;
    });
    events::about(work, "CHECKOUT.ORDER.APPROVED", id);
    Ok(Success::Object { status: 200, id: id.to_owned() })
}

fn already_completed(work: &Work, id: &str) -> ApiError {
    match work.state.orders.get(id).map(|order| order.intent) {
        Some(Intent::Authorize) => ApiError::unprocessable("ORDER_ALREADY_AUTHORIZED"),
        _ => ApiError::unprocessable("ORDER_ALREADY_CAPTURED"),
    }
}

/// `POST /v2/checkout/orders/{id}/capture`, and `…/authorize`.
pub(super) fn complete(work: &mut Work, id: &str, how: Intent) -> Outcome {
    let order = work.order(id)?.clone();
    work.check_assertion(&order.payee)?;
    if order.intent != how {
        return Err(ApiError::unprocessable("ACTION_DOES_NOT_MATCH_INTENT"));
    }
    match order.status {
        OrderStatus::Approved => {}
        OrderStatus::Completed => return Err(already_completed(work, id)),
        _ => return Err(ApiError::unprocessable("ORDER_NOT_APPROVED")),
    }
    check_payee(work, &order.payee)?;
    captures::check_invoice(work, &order)?;
    match order.payer_behavior() {
        Some(Behavior::AccountRestricted) | None => {
            return Err(ApiError::unprocessable("PAYER_ACCOUNT_RESTRICTED"));
        }
        Some(Behavior::InstrumentDeclined) => {
            // The payer may approve again with another means of payment.
            let waits =
                if order.with_source { OrderStatus::PayerActionRequired } else { OrderStatus::Created };
            work.state.orders.change(id, |order| order.status = waits);
            let address = work.address(&format!("checkoutnow?token={id}"));
            return Err(ApiError::unprocessable("INSTRUMENT_DECLINED").redirecting(address));
        }
        _ => {}
    }
    let now = work.now;
    work.state.orders.change(id, |order| {
        order.status = OrderStatus::Completed;
        order.updated = now;
    });
    match how {
        Intent::Capture => {
            let new = NewCapture {
                authorization: None,
                amount: order.amount,
                platform_fee: order.platform_fee.unwrap_or(0),
                final_capture: true,
                is_delayed: order.is_delayed,
            };
            captures::create(work, &order, new);
        }
        Intent::Authorize => {
            authorizations::create(work, &order, order.amount, None);
        }
    }
    Ok(Success::Object { status: 201, id: id.to_owned() })
}
