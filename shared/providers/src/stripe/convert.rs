//! Builds Stripe requests from domain types, and converts amounts between Stripe's units and minor units. Pure.

use std::collections::HashMap;

use app::payments::ports::{AccountState, Buyer, GatewayError};
use domain::payments::payment::{Payment, Plan, Share};
use domain::payments::payout::PayoutTiming;
use domain::{AppointmentId, Currency, ExpertId, Money};
use stripe_connect::account::{
    CreateAccount, CreateAccountCapabilities, CreateAccountCapabilitiesCardPayments,
    CreateAccountCapabilitiesTransfers, CreateAccountController, CreateAccountControllerFees,
    CreateAccountControllerFeesPayer, CreateAccountControllerLosses, CreateAccountControllerLossesPayments,
    CreateAccountControllerStripeDashboard, CreateAccountControllerStripeDashboardType,
};
use stripe_connect::transfer::CreateTransfer;
use stripe_connect::transfer_reversal::CreateIdTransferReversal;
use stripe_core::customer::CreateCustomer;
use stripe_core::payment_intent::{
    CapturePaymentIntent, CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods,
    CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects, CreatePaymentIntentOffSession,
    CreatePaymentIntentTransferData,
};
use stripe_core::refund::CreateRefund;
use stripe_core::setup_intent::{CreateSetupIntent, CreateSetupIntentUsage};
use stripe_shared::{
    PaymentIntentAllowedPaymentMethodTypes, PaymentIntentCaptureMethod, SetupIntentAllowedPaymentMethodTypes,
};

use super::wire;

/// The metadata key of an object's appointment.
pub(super) const APPOINTMENT: &str = "appointment_id";
/// The metadata key of an account's expert.
pub(super) const EXPERT: &str = "expert_id";
/// The metadata key of the idempotency key with which an object was created. Stripe deletes idempotency keys after a day.
pub(super) const IDEMPOTENCY_KEY_METADATA: &str = "idempotency_key";
/// The metadata key of the idempotency key with which an intent was captured.
pub(super) const CAPTURE_IDEMPOTENCY_KEY_METADATA: &str = "capture_idempotency_key";

/// The metadata key of the platform's fee, in Stripe's unit, on a transfer that is net of it, or on the reversal of one.
const PLATFORM_FEE_METADATA: &str = "platform_fee";

/// Currencies without minor units whose amounts Stripe gives in hundredths
/// (<https://docs.stripe.com/currencies#special-cases>).
const ZERO_DECIMAL_IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];
/// A currency whose amounts Stripe gives in whole units, although ISO 4217 gives it two digits
/// (<https://docs.stripe.com/currencies#zero-decimal>).
const GIVEN_IN_WHOLE_UNITS: &str = "MGA";

/// The payment methods with which a client can pay in the browser. Stripe knows at once whether such a payment succeeded. Bank
/// debits, bank transfers and vouchers take days, and a hold lasts minutes. Stripe offers those of the list that are switched on in its
/// dashboard and suit the payment
/// (<https://docs.stripe.com/payments/payment-methods#immediate-or-delayed-notification-of-payment-success>). Wallets such as Apple Pay
/// and Google Pay pay with cards.
const IMMEDIATE_METHODS: [PaymentIntentAllowedPaymentMethodTypes; 10] = [
    PaymentIntentAllowedPaymentMethodTypes::AmazonPay,
    PaymentIntentAllowedPaymentMethodTypes::Bancontact,
    PaymentIntentAllowedPaymentMethodTypes::Card,
    PaymentIntentAllowedPaymentMethodTypes::Eps,
    PaymentIntentAllowedPaymentMethodTypes::Ideal,
    PaymentIntentAllowedPaymentMethodTypes::Link,
    PaymentIntentAllowedPaymentMethodTypes::Mobilepay,
    PaymentIntentAllowedPaymentMethodTypes::RevolutPay,
    PaymentIntentAllowedPaymentMethodTypes::Swish,
    PaymentIntentAllowedPaymentMethodTypes::Twint,
];

/// An amount in the unit that Stripe uses for its currency.
///
/// # Errors
/// If cards cannot be charged the amount, because it is not a multiple of [`Currency::charge_step`].
pub(super) fn to_stripe(money: Money) -> Result<i64, GatewayError> {
    let (amount, currency) = (money.amount(), money.currency());
    let refused = || GatewayError::Refused {
        code: "amount_not_chargeable".to_owned(),
        message: format!(
            "cards cannot be charged {money}: it is not a multiple of the smallest step of its currency"
        ),
    };
    if !currency.is_chargeable() || !amount.is_multiple_of(currency.charge_step()) {
        return Err(refused());
    }
    let units = match currency.code() {
        GIVEN_IN_WHOLE_UNITS => amount / 100,
        code if ZERO_DECIMAL_IN_HUNDREDTHS.contains(&code) => amount * 100,
        _ => amount,
    };
    i64::try_from(units).map_err(|_| refused())
}

/// An amount of Stripe's in minor units, with the currency's code in upper case. Negative amounts are allowed.
///
/// # Errors
/// If the amount is not a whole number of minor units. It is never rounded.
pub(super) fn minor_units(amount: i64, currency: &str) -> Result<(i64, String), GatewayError> {
    let code = currency.to_ascii_uppercase();
    let units = match code.as_str() {
        GIVEN_IN_WHOLE_UNITS => amount.checked_mul(100),
        code if ZERO_DECIMAL_IN_HUNDREDTHS.contains(&code) => (amount % 100 == 0).then_some(amount / 100),
        _ => Some(amount),
    };
    units.map(|amount| (amount, code)).ok_or_else(|| unrepresentable(amount, currency))
}

/// Converts an amount of Stripe's.
///
/// # Errors
/// If [`Money`] cannot represent the amount. It is never rounded.
pub(super) fn from_stripe(amount: i64, currency: &str) -> Result<Money, GatewayError> {
    let (units, code) = minor_units(amount, currency)?;
    let money = Currency::try_from(code).ok().zip(u64::try_from(units).ok());
    let money = money.and_then(|(currency, units)| Money::new(units, currency).ok());
    money.ok_or_else(|| unrepresentable(amount, currency))
}

/// Converts an amount of tax.
///
/// Stripe calculates taxes in its own unit, also where cards cannot be charged such amounts. Hundredths of a currency without
/// minor units are therefore rounded half up. The net amount and the taxes on a receipt still add up to its total.
///
/// # Errors
/// If [`Money`] cannot represent the amount.
pub(super) fn tax_from_stripe(amount: i64, currency: &str) -> Result<Money, GatewayError> {
    if ZERO_DECIMAL_IN_HUNDREDTHS.contains(&currency.to_ascii_uppercase().as_str()) {
        return from_stripe(amount.saturating_add(50) / 100 * 100, currency);
    }
    from_stripe(amount, currency)
}

fn unrepresentable(amount: i64, currency: &str) -> GatewayError {
    GatewayError::Unavailable(format!(
        "Stripe reports {amount} {currency}, an amount that cannot be represented"
    ))
}

pub(super) fn stripe_currency(money: Money) -> stripe_types::Currency {
    // Parsing never fails: async-stripe keeps the text of an unknown currency.
    let Ok(currency) = money.currency().code().to_ascii_lowercase().parse();
    currency
}

/// The idempotency key of a step of a payment.
pub(super) fn key(payment: &Payment, step: &str, ordinal: impl Into<u32>) -> String {
    let key = format!("{}:{step}:{}", payment.appointment, ordinal.into());
    match payment.refusals {
        0 => key,
        refusals => format!("{key}:{refusals}"),
    }
}

/// The idempotency key with which a saved card is charged by the intent of this number.
pub(super) fn saved_card_key(payment: &Payment, intent_number: u16) -> String {
    key(payment, "saved_card", intent_number)
}

/// Whether a key is one with which the saved card was charged by the intent of this number, before or after any refusal. Stripe
/// may still execute a request to which it did not respond, after we sent another one with a new key.
pub(super) fn charges_saved_card(payment: &Payment, intent_number: u16, key: &str) -> bool {
    let first = saved_card_key(&Payment { refusals: 0, ..payment.clone() }, intent_number);
    key.strip_prefix(&first).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// The metadata of every object of a payment that we create.
pub(super) fn metadata(appointment: AppointmentId, key: &str) -> HashMap<String, String> {
    HashMap::from([
        (APPOINTMENT.to_owned(), appointment.to_string()),
        (IDEMPOTENCY_KEY_METADATA.to_owned(), key.to_owned()),
    ])
}

/// The platform's fee of which a transfer is net, or that a reversal returns, in Stripe's unit.
pub(super) fn platform_fee(metadata: &wire::Metadata) -> i64 {
    metadata.get(PLATFORM_FEE_METADATA).and_then(|fee| fee.parse().ok()).unwrap_or(0)
}

/// The metadata of a transfer or a reversal that is net of `fee`.
fn metadata_with_fee(appointment: AppointmentId, fee: i64, key: &str) -> HashMap<String, String> {
    let mut metadata = metadata(appointment, key);
    if fee != 0 {
        metadata.insert(PLATFORM_FEE_METADATA.to_owned(), fee.to_string());
    }
    metadata
}

/// Destination charges require that the platform pays Stripe's fees and is liable for losses
/// (<https://docs.stripe.com/connect/destination-charges>).
pub(super) fn new_account(expert: ExpertId, key: &str) -> CreateAccount {
    let mut controller = CreateAccountController::new();
    controller.fees =
        Some(CreateAccountControllerFees { payer: Some(CreateAccountControllerFeesPayer::Application) });
    controller.losses = Some(CreateAccountControllerLosses {
        payments: Some(CreateAccountControllerLossesPayments::Application),
    });
    controller.stripe_dashboard = Some(CreateAccountControllerStripeDashboard {
        type_: Some(CreateAccountControllerStripeDashboardType::Express),
    });
    let mut capabilities = CreateAccountCapabilities::new();
    capabilities.card_payments = Some(CreateAccountCapabilitiesCardPayments { requested: Some(true) });
    capabilities.transfers = Some(CreateAccountCapabilitiesTransfers { requested: Some(true) });
    CreateAccount::new().controller(controller).capabilities(capabilities).metadata(HashMap::from([
        (EXPERT.to_owned(), expert.to_string()),
        (IDEMPOTENCY_KEY_METADATA.to_owned(), key.to_owned()),
    ]))
}

pub(super) fn account(account: wire::Account) -> AccountState {
    let requirements = account.requirements.unwrap_or_default();
    let mut requirements_due = requirements.currently_due.unwrap_or_default();
    requirements_due.extend(requirements.past_due.unwrap_or_default());
    requirements_due.sort();
    requirements_due.dedup();
    AccountState {
        id: account.id,
        charges_enabled: account.charges_enabled.unwrap_or(false),
        payouts_enabled: account.payouts_enabled.unwrap_or(false),
        requirements_due,
        disabled_reason: requirements.disabled_reason,
    }
}

pub(super) fn new_customer(payment: &Payment, buyer: &Buyer<'_>, key: &str) -> CreateCustomer {
    CreateCustomer::new().name(buyer.name).email(buyer.email).metadata(metadata(payment.appointment, key))
}

/// Saves a card for later. Other saved payment methods cannot be authorized without the client, so only cards are allowed.
pub(super) fn new_setup(
    payment: &Payment,
    buyer: &Buyer<'_>,
    customer: &str,
    key: &str,
) -> CreateSetupIntent {
    CreateSetupIntent::new()
        .customer(customer)
        .usage(CreateSetupIntentUsage::OffSession)
        .allowed_payment_method_types([SetupIntentAllowedPaymentMethodTypes::Card])
        .description(buyer.description)
        .metadata(metadata(payment.appointment, key))
}

/// An intent for `amount`, of which the expert gets all but the platform's fee: at once, or by a later transfer.
///
/// The transfer group is the appointment, so that its transfers can be listed.
fn intent(
    payment: &Payment,
    amount: Money,
    at_once: bool,
    key: &str,
) -> Result<CreatePaymentIntent, GatewayError> {
    let capture = match at_once {
        true => PaymentIntentCaptureMethod::Automatic,
        false => PaymentIntentCaptureMethod::Manual,
    };
    let intent = CreatePaymentIntent::new(to_stripe(amount)?, stripe_currency(amount))
        .capture_method(capture)
        .transfer_group(payment.appointment.to_string())
        .metadata(metadata(payment.appointment, key));
    let intent = match &payment.references.customer {
        Some(customer) => intent.customer(customer),
        None => intent,
    };
    if payment.payout_timing == PayoutTiming::AfterSession {
        return Ok(intent);
    }
    let intent = intent.transfer_data(CreatePaymentIntentTransferData::new(&payment.destination));
    let fee = amount.apply_rate(payment.fee_rate);
    // A fee of zero is left out.
    Ok(if fee.is_zero() { intent } else { intent.application_fee_amount(to_stripe(fee)?) })
}

/// An intent with which the client pays in their browser, at once.
pub(super) fn new_intent(
    payment: &Payment,
    buyer: &Buyer<'_>,
    key: &str,
) -> Result<CreatePaymentIntent, GatewayError> {
    let at_once = payment.plan == Plan::Charge;
    Ok(intent(payment, payment.amount, at_once, key)?
        .allowed_payment_method_types(IMMEDIATE_METHODS)
        .description(buyer.description))
}

/// An intent that is paid with a saved card, without the client.
///
/// Redirects are disabled: an intent that is confirmed at once and allows them needs a return URL
/// (<https://docs.stripe.com/api/payment_intents/create#create_payment_intent-automatic_payment_methods-allow_redirects>).
pub(super) fn new_off_session_intent(
    payment: &Payment,
    amount: Money,
    at_once: bool,
    payment_method: &str,
    key: &str,
) -> Result<CreatePaymentIntent, GatewayError> {
    let mut methods = CreatePaymentIntentAutomaticPaymentMethods::new(true);
    methods.allow_redirects = Some(CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects::Never);
    Ok(intent(payment, amount, at_once, key)?
        .automatic_payment_methods(methods)
        .payment_method(payment_method)
        .off_session(CreatePaymentIntentOffSession::Bool(true))
        .confirm(true))
}

pub(super) fn capture(
    payment: &Payment,
    intent: &str,
    amount: Money,
    fee: Money,
    key: &str,
) -> Result<CapturePaymentIntent, GatewayError> {
    let capture = CapturePaymentIntent::new(intent)
        .amount_to_capture(to_stripe(amount)?)
        .metadata(HashMap::from([(CAPTURE_IDEMPOTENCY_KEY_METADATA.to_owned(), key.to_owned())]));
    // An intent that was created without a fee accepts none.
    let no_fee =
        payment.payout_timing == PayoutTiming::AfterSession || fee.is_zero() && payment.fee().is_zero();
    Ok(if no_fee { capture } else { capture.application_fee_amount(to_stripe(fee)?) })
}

/// With `from_expert` the transfer is reversed too, and with `with_fee` the platform's fee is refunded. Without them the platform
/// would pay the whole refund.
pub(super) fn new_refund(
    payment: &Payment,
    intent: &str,
    amount: Money,
    from_expert: bool,
    with_fee: bool,
    key: &str,
) -> Result<CreateRefund, GatewayError> {
    Ok(CreateRefund::new()
        .payment_intent(intent)
        .amount(to_stripe(amount)?)
        .reverse_transfer(from_expert)
        .refund_application_fee(with_fee)
        .metadata(metadata(payment.appointment, key)))
}

/// Reverses `amount` of a transfer. With `with_fee` Stripe refunds its application fee; `fee` is the fee of the platform that the
/// amount is net of.
pub(super) fn new_reversal(
    payment: &Payment,
    transfer: &str,
    (amount, fee): (i64, i64),
    with_fee: bool,
    key: &str,
) -> CreateIdTransferReversal {
    CreateIdTransferReversal::new(transfer)
        .amount(amount)
        .refund_application_fee(with_fee)
        .metadata(metadata_with_fee(payment.appointment, fee, key))
}

/// Transfers a share without the platform's fee. With `source` that charge pays for it, otherwise the platform's balance.
pub(super) fn new_transfer(
    payment: &Payment,
    share: Share,
    source: Option<&str>,
    key: &str,
) -> Result<CreateTransfer, GatewayError> {
    let amount = share.net();
    let transfer = CreateTransfer::new(stripe_currency(amount), &payment.destination)
        .amount(to_stripe(amount)?)
        .transfer_group(payment.appointment.to_string())
        .metadata(metadata_with_fee(payment.appointment, to_stripe(share.fee)?, key));
    Ok(match source {
        Some(charge) => transfer.source_transaction(charge),
        None => transfer,
    })
}

#[cfg(test)]
mod tests {
    use domain::Rate;
    use domain::payments::gateway::GatewayKind;
    use proptest::prelude::*;
    use stripe_client_core::StripeRequest;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::try_from(code.to_owned()).expect("a code in use")
    }

    fn in_stripes_unit(amount: u64, code: &str) -> Option<i64> {
        to_stripe(Money::new(amount, currency(code)).expect("small")).ok()
    }

    /// Every currency that cards can be charged in.
    fn chargeable() -> impl Strategy<Value = Currency> {
        let letters = || 'A'..='Z';
        let pairs = letters().flat_map(move |first| letters().map(move |second| (first, second)));
        let codes = pairs.flat_map(move |(first, second)| letters().map(move |third| [first, second, third]));
        let all: Vec<Currency> = codes
            .filter_map(|code| Currency::try_from(String::from_iter(code)).ok())
            .filter(|currency| currency.is_chargeable())
            .collect();
        assert!(all.len() > 150);
        proptest::sample::select(all)
    }

    #[test]
    fn amounts_are_in_stripes_unit() {
        assert_eq!(in_stripes_unit(1_205, "EUR"), Some(1_205));
        assert_eq!(in_stripes_unit(1_200, "JPY"), Some(1_200));
        assert_eq!(in_stripes_unit(3_120, "KWD"), Some(3_120));
        assert_eq!(in_stripes_unit(500, "ISK"), Some(50_000));
        assert_eq!(in_stripes_unit(500, "UGX"), Some(50_000));
        assert_eq!(in_stripes_unit(12_300, "MGA"), Some(123));
        for (amount, code) in [(3_125, "KWD"), (12_350, "MGA"), (100, "CLF")] {
            assert_eq!(in_stripes_unit(amount, code), None, "{amount} {code}");
        }
    }

    #[test]
    fn clients_pay_with_immediate_methods() {
        let amount = Money::new(8_000, currency("EUR")).expect("small");
        let destination = (GatewayKind::Stripe, "acct_1".to_owned());
        let payment = Payment::agreed(
            AppointmentId::from_bits(1),
            amount,
            Rate::DEFAULT_COMMISSION,
            destination,
            PayoutTiming::AtPayment,
            Plan::Charge,
        );
        let buyer = Buyer {
            description: "An hour",
            name: "Alan",
            email: "alan@example.org",
            return_url: "https://platform.example",
        };
        let body = new_intent(&payment, &buyer, "key").expect("an intent").build().body.expect("a form");
        let body = body.replace("%5B", "[").replace("%5D", "]");
        let allowed = |kind: &str| {
            let is_it = |field: &str| {
                let (name, value) = field.split_once('=').expect("a field");
                name.starts_with("allowed_payment_method_types[") && value == kind
            };
            body.split('&').any(is_it)
        };
        assert!(allowed("card") && allowed("link"), "{body}");
        let delayed = "acss_debit au_becs_debit bacs_debit boleto customer_balance konbini multibanco nz_bank_account oxxo \
                       sepa_debit sofort us_bank_account";
        assert_eq!(delayed.split_ascii_whitespace().find(|kind| allowed(kind)), None, "{body}");
        assert!(!body.contains("automatic_payment_methods"), "{body}");
    }

    #[test]
    fn amounts_of_stripe_are_never_rounded() {
        for (amount, code) in [
            (50_050, "isk"),
            (1, "ugx"),
            (-1, "eur"),
            (1_000_000_000_000, "eur"),
            (5, "xyz"),
            (i64::MAX, "mga"),
        ] {
            let read = from_stripe(amount, code);
            assert!(matches!(read, Err(GatewayError::Unavailable(_))), "{amount} {code}: {read:?}");
        }
        assert_eq!(minor_units(-50_000, "isk"), Ok((-500, "ISK".to_owned())));
        let taxes = [(4_839, 48), (4_850, 49), (49, 0), (4_800, 48)];
        for (hundredths, kronur) in taxes {
            assert_eq!(tax_from_stripe(hundredths, "isk").map(Money::amount), Ok(kronur));
        }
        assert_eq!(tax_from_stripe(4_839, "eur").map(Money::amount), Ok(4_839));
        // Fees may have a third digit, although charges have two.
        assert_eq!(from_stripe(43, "kwd").map(Money::amount), Ok(43));
    }

    proptest! {
        #[test]
        fn chargeable_amount_survives_the_round_trip(currency in chargeable(), steps in 0_u64..=99_999) {
            let money = Money::new(steps * currency.charge_step(), currency).expect("small");
            let units = to_stripe(money).expect("chargeable");
            prop_assert_eq!(from_stripe(units, &currency.code().to_ascii_lowercase()), Ok(money));
        }

        #[test]
        fn every_number_is_read_exactly_or_refused(currency in chargeable(), amount in any::<i64>()) {
            let code = currency.code().to_ascii_lowercase();
            if let Ok(money) = from_stripe(amount, &code)
                && money.amount().is_multiple_of(currency.charge_step())
            {
                prop_assert_eq!(to_stripe(money), Ok(amount));
            }
        }
    }
}
