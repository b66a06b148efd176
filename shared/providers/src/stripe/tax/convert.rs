//! Converts to and from Stripe Tax's types. Pure.

use app::payments::ports::{GatewayError, TaxCalculation};
use domain::kernel::text::ShortText;
use domain::receipts::tax::{NoTax, Percentage, TaxLine, Taxes};
use domain::{Money, Timestamp};
use stripe_misc::tax_calculation::{
    CreateTaxCalculation, CreateTaxCalculationCustomerDetails, CreateTaxCalculationCustomerDetailsAddress,
    CreateTaxCalculationCustomerDetailsAddressSource, CreateTaxCalculationLineItems,
    CreateTaxCalculationLineItemsTaxBehavior,
};

use super::super::convert::{stripe_currency, tax_from_stripe, to_stripe};
use super::super::wire::List;
use super::wire::{Address, Calculation, Charge, Settings, Tax, Transaction, TransactionItem};

/// The member to expand: the taxes by jurisdiction.
const TAX_BREAKDOWN: &str = "line_items.data.tax_breakdown";
/// The status of an account that is ready to calculate taxes.
const ACTIVE: &str = "active";
/// The reason for no tax if the account is not registered at the customer's location.
const NOT_COLLECTING: &str = "not_collecting";
/// The name of a tax for which Stripe reports no usable name.
const UNNAMED: &str = "Tax";

/// The settings that an account lacks.
pub(super) fn missing(settings: Settings) -> Vec<String> {
    if settings.status == ACTIVE {
        return Vec::new();
    }
    let fields = settings.status_details.pending.and_then(|pending| pending.missing_fields);
    match fields {
        Some(fields) if !fields.is_empty() => fields,
        // Stripe does not report what is missing.
        _ => vec![format!("status {ACTIVE} (it is {})", settings.status)],
    }
}

/// The location of the payer of a charge: their address, or else the country of their card or bank.
pub(super) fn location(charge: Charge) -> Option<CreateTaxCalculationCustomerDetailsAddress> {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let given = charge.billing_details.address.unwrap_or_default();
    let Address { city, country, line1, line2, postal_code, state } = given;
    if let Some(country) = filled(country) {
        return Some(CreateTaxCalculationCustomerDetailsAddress {
            city: filled(city),
            country,
            line1: filled(line1),
            line2: filled(line2),
            postal_code: filled(postal_code),
            state: filled(state),
        });
    }
    let method = charge.payment_method_details?;
    let country = method.card.or(method.sepa_debit)?.country;
    filled(country).map(CreateTaxCalculationCustomerDetailsAddress::new)
}

/// A request for the taxes that are included in an amount paid from this location. The account's settings define the kind of
/// service.
pub(super) fn new_calculation(
    location: CreateTaxCalculationCustomerDetailsAddress,
    amount: Money,
) -> Result<CreateTaxCalculation, GatewayError> {
    let mut item = CreateTaxCalculationLineItems::new(to_stripe(amount)?);
    item.reference = Some("session".to_owned());
    item.tax_behavior = Some(CreateTaxCalculationLineItemsTaxBehavior::Inclusive);
    let mut customer = CreateTaxCalculationCustomerDetails::new();
    customer.address = Some(location);
    customer.address_source = Some(CreateTaxCalculationCustomerDetailsAddressSource::Billing);
    Ok(CreateTaxCalculation::new(stripe_currency(amount), [item])
        .customer_details(customer)
        .expand([TAX_BREAKDOWN.to_owned()]))
}

/// Converts a calculation of the taxes in `amount`.
///
/// # Errors
/// If the calculation lacks a member: a missing tax must not count as a tax of zero.
pub(super) fn calculation(calculation: Calculation, amount: Money) -> Result<TaxCalculation, GatewayError> {
    let lacking = |what: &str| GatewayError::Unavailable(format!("a tax calculation came without {what}"));
    let id = calculation.id.ok_or_else(|| lacking("its id"))?;
    let valid_until = calculation.expires_at.ok_or_else(|| lacking("its expiry"))?;
    let items = calculation.line_items.ok_or_else(|| lacking("its lines"))?.data;
    let mut taxes = Vec::new();
    for item in items {
        taxes.extend(item.tax_breakdown.ok_or_else(|| lacking("its taxes"))?);
    }
    let taxes = included(&taxes, &calculation.currency, amount)?;
    Ok(TaxCalculation { id, valid_until: Timestamp::from_seconds(valid_until), taxes })
}

fn included(taxes: &[Tax], currency: &str, amount: Money) -> Result<Taxes, GatewayError> {
    let lines = taxes.iter().map(|tax| line(tax, currency)).collect::<Result<Vec<TaxLine>, _>>()?;
    let lines: Vec<TaxLine> = lines.into_iter().filter(|line| !line.amount.is_zero()).collect();
    if lines.is_empty() {
        let not_registered = taxes.iter().any(|tax| tax.taxability_reason == NOT_COLLECTING);
        return Ok(Taxes::NotIncluded(if not_registered { NoTax::NotRegistered } else { NoTax::NotDue }));
    }
    let sum: u64 = lines.iter().map(|line| line.amount.amount()).sum();
    let same_currency = lines.iter().all(|line| line.amount.currency() == amount.currency());
    if !same_currency || sum > amount.amount() {
        let message = format!("Stripe reports {sum} {currency} of taxes in {amount}");
        return Err(GatewayError::Unavailable(message));
    }
    Ok(Taxes::Included(lines))
}

fn line(tax: &Tax, currency: &str) -> Result<TaxLine, GatewayError> {
    // Names are checked like those that people enter. A name that fails the check is left out, and the tax still counts.
    let name = |text: &str| ShortText::try_from(text.to_owned()).ok();
    let label = tax.tax_rate_details.as_ref().and_then(|rate| name(&rate.display_name));
    let label = label.or_else(|| name(UNNAMED));
    let rate = tax.tax_rate_details.as_ref();
    let rate = rate.and_then(|rate| Percentage::try_from(rate.percentage_decimal.clone()).ok());
    Ok(TaxLine {
        label: label.ok_or_else(|| GatewayError::Unavailable("a tax has no name".to_owned()))?,
        jurisdiction: name(&tax.jurisdiction.display_name),
        // A flat fee has a rate of 0 and an amount above zero.
        rate: rate.filter(|rate| rate.millionths() > 0),
        amount: tax_from_stripe(tax.amount, currency)?,
    })
}

/// The tax that a reversal reversed. `None` if the entry does not report it.
///
/// # Errors
/// If [`Money`] cannot represent the amount.
pub(super) fn reversed_tax(reversal: &Transaction, amount: Money) -> Result<Option<Money>, GatewayError> {
    let Some(List { data, has_more: false }) = &reversal.line_items else { return Ok(None) };
    let tax: i64 = data
        .iter()
        .map(|TransactionItem { amount_tax }| amount_tax.unsigned_abs())
        .sum::<u64>()
        .try_into()
        .unwrap_or(i64::MAX);
    let tax = tax_from_stripe(tax, &reversal.currency)?;
    Ok(Some(tax).filter(|tax| tax.currency() == amount.currency() && tax.amount() <= amount.amount()))
}

/// The id of a tax transaction in an error message of Stripe's.
pub(super) fn entry_id_in(message: &str) -> Option<&str> {
    let mut words = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.find(|word| {
        word.strip_prefix("tax_").is_some_and(|rest| {
            rest.len() >= 8 && rest.contains(|letter: char| letter.is_ascii_digit()) && !rest.contains('_')
        })
    })
}

#[cfg(test)]
mod tests;
