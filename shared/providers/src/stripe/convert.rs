//! Our words in Stripe's, and Stripe's in ours. Pure.

use app::ports::{AccountState, Intent, NewIntent, PaymentError};
use domain::payment::IntentStatus;
use domain::{ExpertId, Money};
use stripe_connect::account::{
    CreateAccount, CreateAccountCapabilities, CreateAccountCapabilitiesCardPayments,
    CreateAccountCapabilitiesTransfers, CreateAccountController, CreateAccountControllerFees,
    CreateAccountControllerFeesPayer, CreateAccountControllerLosses, CreateAccountControllerLossesPayments,
    CreateAccountControllerStripeDashboard, CreateAccountControllerStripeDashboardType,
};
use stripe_core::payment_intent::{
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods, CreatePaymentIntentTransferData,
};
use stripe_shared::{Account, PaymentIntent, PaymentIntentStatus};
use stripe_types::Currency;

/// Metadata that names the appointment of an intent.
pub(super) const APPOINTMENT: &str = "appointment_id";
/// Metadata that names the expert of an account.
pub(super) const EXPERT: &str = "expert_id";

/// Destination charges want the platform to carry fees and losses
/// (<https://docs.stripe.com/connect/destination-charges>).
pub(super) fn new_account(expert: ExpertId) -> CreateAccount {
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
    CreateAccount::new()
        .controller(controller)
        .capabilities(capabilities)
        .metadata([(EXPERT.to_owned(), expert.to_string())])
}

pub(super) fn account(account: Account) -> AccountState {
    let requirements = account.requirements;
    let (current, past, disabled) = requirements.map_or_else(Default::default, |requirements| {
        let disabled = requirements.disabled_reason.map(|reason| reason.as_str().to_owned());
        (requirements.currently_due.unwrap_or_default(), requirements.past_due.unwrap_or_default(), disabled)
    });
    let mut requirements_due = current;
    requirements_due.extend(past);
    requirements_due.sort();
    requirements_due.dedup();
    AccountState {
        id: account.id.to_string(),
        charges_enabled: account.charges_enabled.unwrap_or(false),
        payouts_enabled: account.payouts_enabled.unwrap_or(false),
        requirements_due,
        disabled_reason: disabled,
    }
}

fn minor_units(money: Money) -> Result<i64, PaymentError> {
    i64::try_from(money.amount()).map_err(|_| PaymentError::Refused {
        code: "amount_too_large".to_owned(),
        message: money.to_string(),
    })
}

/// Stripe chooses the payment methods: naming them is refused since version 2026-09-30.
pub(super) fn new_intent(wanted: &NewIntent<'_>) -> Result<CreatePaymentIntent, PaymentError> {
    let code = wanted.amount.currency().code().to_ascii_lowercase();
    let Ok(currency) = code.parse::<Currency>();
    let intent = CreatePaymentIntent::new(minor_units(wanted.amount)?, currency)
        .transfer_data(CreatePaymentIntentTransferData::new(wanted.destination))
        .automatic_payment_methods(CreatePaymentIntentAutomaticPaymentMethods::new(true))
        .description(wanted.description)
        .metadata([(APPOINTMENT.to_owned(), wanted.appointment.to_string())]);
    // A fee of nothing is no fee.
    Ok(if wanted.fee.is_zero() { intent } else { intent.application_fee_amount(minor_units(wanted.fee)?) })
}

pub(super) fn intent(intent: PaymentIntent) -> Intent {
    let status = match intent.status {
        PaymentIntentStatus::Succeeded => IntentStatus::Succeeded,
        PaymentIntentStatus::Canceled => IntentStatus::Cancelled,
        PaymentIntentStatus::RequiresAction
        | PaymentIntentStatus::RequiresConfirmation
        | PaymentIntentStatus::RequiresPaymentMethod
        | PaymentIntentStatus::RequiresCapture => IntentStatus::Open,
        // What we do not know may still turn out to be paid, so it is waited for.
        PaymentIntentStatus::Processing | PaymentIntentStatus::Unknown(_) => IntentStatus::Processing,
        _ => IntentStatus::Processing,
    };
    Intent { id: intent.id.to_string(), client_secret: intent.client_secret, status }
}
