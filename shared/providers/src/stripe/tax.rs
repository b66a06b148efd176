//! Stripe Tax on the experts' accounts (<https://docs.stripe.com/tax/tax-for-platforms>): they are liable, so everything is asked
//! on their account, with its settings and registrations. Prices include tax, so nothing of this changes what a client pays.
//!
//! A *calculation* has no effect and is asked for without a key. A *transaction* made of one, and a *reversal* of a transaction,
//! are entries in the expert's tax reports. Each has a reference that is unique in the account. Stripe can neither list entries nor
//! find one by its reference (<https://docs.stripe.com/api/tax/transactions>), so its name is known from the answer alone:
//!
//! - An answer that was lost comes again under the same idempotency key, for a day.
//! - When Stripe failed, its key replays the failure, whether it acted or not. So the order is given once more without a key, and
//!   the reference guards against a second entry. The same when the key is forgotten.
//! - A reference that is taken means that the entry is there. Where the refusal names it, it is read, and is ours when it has the
//!   reference. Otherwise it is known to be there, and what goes back of it has to be taken out by hand; whoever called says so.

mod convert;
mod wire;

use app::payments::ports::{CalculatedTax, PaymentError, TakenBack, TaxService};
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
use super::client::With;
use super::convert::to_stripe;
use super::errors::{Failure, NO_ACCESS, NOT_FOUND, refused};
use wire::{Calculation, Charge, Settings, Transaction};

/// Stripe cannot tell from an address where a customer is (<https://docs.stripe.com/tax/customer-locations>).
const PLACE_UNKNOWN: &str = "customer_tax_location_invalid";
/// What counts of an entry.
const WITH_LINES: &str = "line_items";

#[async_trait]
impl TaxService for Stripe {
    async fn missing(&self, account: &str) -> Result<Vec<String>, PaymentError> {
        let settings: Settings = self
            .on_account(&RetrieveForMyAccountTaxSettings::new(), account, None)
            .await
            .map_err(for_good)?;
        Ok(convert::missing(settings))
    }

    async fn calculate(
        &self,
        account: &str,
        charge: &str,
        amount: Money,
    ) -> Result<CalculatedTax, PaymentError> {
        let charge: Charge = self.ask(&RetrieveCharge::new(charge)).await?;
        let Some(place) = convert::place(charge) else { return Ok(CalculatedTax::PlaceUnknown) };
        let request = convert::new_calculation(place, amount)?;
        match self.on_account::<Calculation>(&request, account, None).await {
            Ok(calculation) => Ok(CalculatedTax::Done(convert::calculation(calculation, amount)?)),
            Err(failure) if failure.code() == Some(PLACE_UNKNOWN) => Ok(CalculatedTax::PlaceUnknown),
            Err(failure) => Err(for_good(failure)),
        }
    }

    async fn report(
        &self,
        account: &str,
        calculation: &str,
        reference: &str,
    ) -> Result<Option<String>, PaymentError> {
        let request =
            CreateFromCalculationTaxTransaction::new(calculation, reference).expand([WITH_LINES.to_owned()]);
        Ok(self.entry(&request, account, reference).await?.map(|entry| entry.id))
    }

    async fn take_back(
        &self,
        account: &str,
        entry: &str,
        amount: Money,
        reference: &str,
    ) -> Result<TakenBack, PaymentError> {
        let mode = CreateReversalTaxTransactionMode::Partial;
        let request = CreateReversalTaxTransaction::new(mode, entry, reference)
            .flat_amount(-to_stripe(amount)?)
            .expand([WITH_LINES.to_owned()]);
        let Some(reversal) = self.entry(&request, account, reference).await? else {
            return Ok(TakenBack { entry: None, tax: None });
        };
        Ok(TakenBack { tax: convert::tax_taken_back(&reversal, amount)?, entry: Some(reversal.id) })
    }
}

impl Stripe {
    async fn on_account<T: serde::de::DeserializeOwned>(
        &self,
        request: &impl StripeRequest,
        account: &str,
        idempotency_key: Option<&str>,
    ) -> Result<T, Failure> {
        self.send(request.build(), With { idempotency_key, account: Some(account) }).await
    }

    /// Makes an entry in the reports of an account, once; none when it is there and Stripe does not say what it is called.
    async fn entry(
        &self,
        request: &impl StripeRequest,
        account: &str,
        reference: &str,
    ) -> Result<Option<Transaction>, PaymentError> {
        let key = format!("tax:{reference}");
        let mut made = self.on_account(request, account, Some(&key)).await;
        if made.as_ref().is_err_and(Failure::is_fault) {
            made = self.on_account(request, account, None).await;
        }
        match made {
            Ok(entry) => Ok(Some(entry)),
            Err(failure) if failure.is_about("reference") => {
                self.named_by(&failure, account, reference).await
            }
            Err(failure) => Err(for_good(failure)),
        }
    }

    /// The entry that a refusal names, if it is the one with this reference.
    async fn named_by(
        &self,
        failure: &Failure,
        account: &str,
        reference: &str,
    ) -> Result<Option<Transaction>, PaymentError> {
        let Some(named) = convert::entry_named(failure.message()) else { return Ok(None) };
        let request = RetrieveTaxTransaction::new(named).expand([WITH_LINES.to_owned()]);
        match self.on_account::<Transaction>(&request, account, None).await {
            Ok(entry) => Ok(Some(entry).filter(|entry| entry.reference == reference)),
            Err(failure) if failure.code() == Some(NOT_FOUND) => Ok(None),
            Err(failure) => Err(for_good(failure)),
        }
    }
}

/// An account whose owner took the platform's access away is lost for good, although Stripe answers as to a wrong key.
fn for_good(failure: Failure) -> PaymentError {
    if failure.code() == Some(NO_ACCESS) {
        return refused(NO_ACCESS, failure.message().to_owned());
    }
    failure.into()
}
