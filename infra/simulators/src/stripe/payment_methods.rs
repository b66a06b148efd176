//! Payment methods: read from forms, stored, attached to customers and detached.
//! Source: <https://docs.stripe.com/api/payment_methods>.

use super::prelude::*;

/// The parameters that name or describe a payment method.
pub(super) const PARAMETERS: &str = "payment_method payment_method_data[type] payment_method_data[card][number] \
    payment_method_data[card][exp_month] payment_method_data[card][exp_year] payment_method_data[card][cvc] \
    payment_method_data[billing_details][name] payment_method_data[billing_details][email] \
    payment_method_data[billing_details][address][*]";

const ALLOWED: &str = "allowed_payment_method_types";

/// The types that can be allowed, without those that Stripe offers to few accounts.
const TYPES: &str = "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie \
    bizum blik boleto card cashapp crypto customer_balance eps fpx giropay grabpay ideal kakao_pay klarna konbini kr_card link \
    mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay \
    revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account wechat_pay zip";

/// `POST /v1/payment_methods/{id}/detach`.
pub(super) fn detach(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["expand[]"])?;
    let method = work.state.payment_methods.get_mut(id);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, "id"))?;
    let Some(customer) = method.customer.take() else {
        let message = "The payment method you provided is not attached to a customer so detachment is \
                       impossible.";
        return Err(ApiError::invalid(message));
    };
    method.spent = true;
    let object = render::payment_method(method);
    let previous = json!({ "customer": customer });
    emit_change(work, "payment_method.detached", object.clone(), Some(previous), None);
    Ok(object)
}

/// Reads `automatic_payment_methods`.
pub(super) fn automatic(form: &Form) -> Result<AutomaticPaymentMethods, ApiError> {
    let redirects = form.word("automatic_payment_methods[allow_redirects]", &["always", "never"])?;
    Ok(AutomaticPaymentMethods {
        enabled: form.boolean("automatic_payment_methods[enabled]")?.unwrap_or(true),
        allow_redirects: redirects.unwrap_or_else(|| "always".to_owned()),
    })
}

/// Reads the allowed types. They must contain cards, because nothing else can pay in this simulator.
/// Source: <https://docs.stripe.com/changelog/dahlia/2026-07-29/allowed-payment-method-types-parameter>.
pub(super) fn allowed_types(form: &Form) -> Result<Option<Vec<String>>, ApiError> {
    let allowed = form.list(ALLOWED);
    let known = |kind: &String| TYPES.split_ascii_whitespace().any(|known| known == kind);
    if let Some(other) = allowed.iter().flatten().find(|kind| !known(kind)) {
        let message = format!("Invalid {ALLOWED}[]: there is no payment method type {other}.");
        return Err(ApiError::invalid(message).param(ALLOWED));
    }
    if allowed.as_ref().is_some_and(|allowed| !allowed.iter().any(|kind| kind == "card")) {
        let message = "This simulator knows the payment method type card only, which is not allowed.";
        return Err(ApiError::invalid(message).param(ALLOWED));
    }
    if allowed.is_some() && !form.map("automatic_payment_methods").is_empty() {
        let message =
            format!("You may only specify one of these parameters: {ALLOWED}, automatic_payment_methods.");
        return Err(ApiError::invalid(message).param(ALLOWED));
    }
    Ok(allowed)
}

/// The payment method that the form names or describes, for `customer`; `None` when it does neither.
pub(super) fn given(
    work: &mut Work,
    form: &Form,
    customer: Option<&str>,
) -> Result<Option<String>, ApiError> {
    if let Some(id) = form.filled("payment_method") {
        if let Some(method) = work.state.payment_methods.get(id) {
            usable(method, customer)?;
            return Ok(Some(id.to_owned()));
        }
        let card = TestCard::by_token(id);
        let card = card.ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method"))?;
        return Ok(Some(create(work, card.number, Address::new())));
    }
    let Some(kind) = form.filled("payment_method_data[type]") else { return Ok(None) };
    if kind != "card" {
        let message = format!("This simulator knows the payment method type card only, not {kind}.");
        return Err(ApiError::invalid(message).param("payment_method_data[type]"));
    }
    let number = "payment_method_data[card][number]";
    let digits: String = form.required(number)?.chars().filter(|letter| !letter.is_whitespace()).collect();
    if !could_be_card(&digits) {
        return Err(ApiError::card(&decline("incorrect_number")).param(number));
    }
    // A number that is not a test card's might be somebody's: it is declined, and only its end is stored.
    let number = TestCard::find(&digits).map_or(last_four(&digits), |card| card.number);
    Ok(Some(create(work, number, form.map("payment_method_data[billing_details][address]"))))
}

fn create(work: &mut Work, card_number: &str, mut billing_address: Address) -> String {
    let parts = ["city", "country", "line1", "line2", "postal_code", "state"];
    billing_address.retain(|name, value| parts.contains(&name.as_str()) && !value.is_empty());
    let id = format!("pm_{}", random::letters(24));
    work.state.payment_methods.add(PaymentMethod {
        id: id.clone(),
        created: work.now,
        card_number: card_number.to_owned(),
        billing_address,
        customer: None,
        set_up: false,
        spent: false,
    });
    id
}

/// Refuses a method of another customer, or one that cannot be used again.
pub(super) fn usable(method: &PaymentMethod, customer: Option<&str>) -> Result<(), ApiError> {
    match (method.customer.as_deref(), customer) {
        (Some(owner), Some(customer)) if owner == customer => Ok(()),
        (Some(_), Some(_)) => {
            let message = format!(
                "The customer does not have a payment method with the ID {}. The payment method must be \
                 attached to the customer.",
                method.id
            );
            Err(ApiError::invalid(message).code("resource_missing").param("payment_method"))
        }
        (Some(_), None) => {
            let message = "The payment method you provided is attached to a customer so for security purposes \
                           you must provide the customer in the request.";
            Err(ApiError::invalid(message).param("customer"))
        }
        (None, _) if method.spent => {
            let message = "The provided PaymentMethod was previously used with a PaymentIntent without \
                           Customer attachment, shared with a connected account without Customer attachment, \
                           or was detached from a Customer. It may not be used again. To use a PaymentMethod \
                           multiple times, you must attach it to a Customer first.";
            Err(ApiError::invalid(message).param("payment_method"))
        }
        (None, _) => Ok(()),
    }
}

/// Records the use of a method, which cannot be used again unless it is attached to a customer.
pub(super) fn spend(work: &mut Work, id: &str) {
    work.state.payment_methods.change(id, |method| method.spent = method.customer.is_none());
}

/// Attaches a method to a customer, for off-session payments when it was `set_up` for them.
pub(super) fn attach(work: &mut Work, id: &str, customer: &str, set_up: bool) {
    let Some(method) = work.state.payment_methods.get_mut(id) else { return };
    method.set_up |= set_up;
    if method.customer.is_none() {
        method.customer = Some(customer.to_owned());
        about(work, "payment_method.attached", id);
    }
}
