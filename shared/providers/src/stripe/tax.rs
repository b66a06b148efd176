//! Stripe Tax on the experts' accounts (<https://docs.stripe.com/tax/tax-for-platforms>). Experts are liable for taxes, so all
//! requests act on their account, with its settings and registrations. Prices include tax, so taxes never change what a client
//! pays.
//!
//! A *calculation* has no effect and needs no idempotency key. A *transaction*, which is created from a calculation, and a
//! *reversal* of a transaction are entries in the expert's tax reports. Each entry has a reference that is unique within the
//! account. Stripe can neither list entries nor find one by its reference (<https://docs.stripe.com/api/tax/transactions>), so
//! only the response contains the entry's id:
//!
//! - If the response was lost, Stripe replays it for the same idempotency key, for a day.
//! - If Stripe had an internal error, it replays that error, whether it acted or not. The request is therefore sent once more
//!   without a key; the reference prevents a second entry. The same applies after Stripe deleted the key.
//! - If the reference is taken, the entry exists. If the error message names an entry, it is read, and is ours if it has the
//!   reference. Otherwise its id stays unknown, and a later refund must be removed from the reports manually; the caller logs
//!   that.

mod convert;
mod wire;

use app::payments::ports::{CalculatedTax, GatewayError, TaxReversal, TaxService};
use async_trait::async_trait;
use domain::Money;
use stripe_client_core::StripeRequest;
use stripe_core::charge::RetrieveCharge;
use stripe_misc::tax_settings::RetrieveForMyAccountTaxSettings;
use stripe_misc::tax_transaction::{
    CreateFromCalculationTaxTransaction, CreateReversalTaxTransaction, CreateReversalTaxTransactionMode,
    RetrieveTaxTransaction,
};

use super::Stripe;
use super::client::RequestOptions;
use super::convert::to_stripe;
use super::errors::{Failure, NO_ACCESS, NOT_FOUND, refused};
use wire::{Calculation, Charge, Settings, Transaction};

/// The address does not determine the customer's tax location (<https://docs.stripe.com/tax/customer-locations>).
const LOCATION_UNKNOWN: &str = "customer_tax_location_invalid";
/// The member of an entry to expand.
const LINE_ITEMS: &str = "line_items";

#[async_trait]
impl TaxService for Stripe {
    async fn missing(&self, account: &str) -> Result<Vec<String>, GatewayError> {
        let settings: Settings = self
            .on_account(&RetrieveForMyAccountTaxSettings::new(), account, None)
            .await
            .map_err(payment_error)?;
        Ok(convert::missing(settings))
    }

    async fn calculate(
        &self,
        account: &str,
        charge: &str,
        amount: Money,
    ) -> Result<CalculatedTax, GatewayError> {
        let charge: Charge = self.send(&RetrieveCharge::new(charge)).await?;
        let Some(location) = convert::location(charge) else { return Ok(CalculatedTax::PlaceUnknown) };
        let request = convert::new_calculation(location, amount)?;
        match self.on_account::<Calculation>(&request, account, None).await {
            Ok(calculation) => Ok(CalculatedTax::Done(convert::calculation(calculation, amount)?)),
            Err(failure) if failure.code() == Some(LOCATION_UNKNOWN) => Ok(CalculatedTax::PlaceUnknown),
            Err(failure) => Err(payment_error(failure)),
        }
    }

    async fn report(
        &self,
        account: &str,
        calculation: &str,
        reference: &str,
    ) -> Result<Option<String>, GatewayError> {
        let request =
            CreateFromCalculationTaxTransaction::new(calculation, reference).expand([LINE_ITEMS.to_owned()]);
        Ok(self.entry(&request, account, reference).await?.map(|entry| entry.id))
    }

    async fn reverse(
        &self,
        account: &str,
        entry: &str,
        amount: Money,
        reference: &str,
    ) -> Result<TaxReversal, GatewayError> {
        let mode = CreateReversalTaxTransactionMode::Partial;
        let request = CreateReversalTaxTransaction::new(mode, entry, reference)
            .flat_amount(-to_stripe(amount)?)
            .expand([LINE_ITEMS.to_owned()]);
        let Some(reversal) = self.entry(&request, account, reference).await? else {
            return Ok(TaxReversal { entry: None, tax: None });
        };
        Ok(TaxReversal { tax: convert::reversed_tax(&reversal, amount)?, entry: Some(reversal.id) })
    }
}

impl Stripe {
    async fn on_account<T: serde::de::DeserializeOwned>(
        &self,
        request: &impl StripeRequest,
        account: &str,
        idempotency_key: Option<&str>,
    ) -> Result<T, Failure> {
        self.execute(request.build(), RequestOptions { idempotency_key, account: Some(account) }).await
    }

    /// Creates an entry in the reports of an account, once. `None` if it exists already and Stripe does not name it.
    async fn entry(
        &self,
        request: &impl StripeRequest,
        account: &str,
        reference: &str,
    ) -> Result<Option<Transaction>, GatewayError> {
        let key = format!("tax:{reference}");
        let mut created = self.on_account(request, account, Some(&key)).await;
        if created.as_ref().is_err_and(Failure::is_internal_error) {
            created = self.on_account(request, account, None).await;
        }
        match created {
            Ok(entry) => Ok(Some(entry)),
            Err(failure) if failure.is_about("reference") => {
                self.entry_named_in(&failure, account, reference).await
            }
            Err(failure) => Err(payment_error(failure)),
        }
    }

    /// The entry that an error message names, if it has this reference.
    async fn entry_named_in(
        &self,
        failure: &Failure,
        account: &str,
        reference: &str,
    ) -> Result<Option<Transaction>, GatewayError> {
        let Some(id) = convert::entry_id_in(failure.message()) else { return Ok(None) };
        let request = RetrieveTaxTransaction::new(id).expand([LINE_ITEMS.to_owned()]);
        match self.on_account::<Transaction>(&request, account, None).await {
            Ok(entry) => Ok(Some(entry).filter(|entry| entry.reference == reference)),
            Err(failure) if failure.code() == Some(NOT_FOUND) => Ok(None),
            Err(failure) => Err(payment_error(failure)),
        }
    }
}

/// Converts a failure. If the owner of the account revoked the platform's access, the refusal is permanent, although Stripe
/// responds as it does to a wrong key.
fn payment_error(failure: Failure) -> GatewayError {
    if failure.code() == Some(NO_ACCESS) {
        return refused(NO_ACCESS, failure.message().to_owned());
    }
    failure.into()
}
