//! Stripe Tax's words in ours. Pure.

use app::payments::ports::{PaymentError, TaxCalculation};
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

/// The taxes by who levies them come only when they are asked for.
const WITH_TAXES: &str = "line_items.data.tax_breakdown";
/// The account is ready to calculate.
const ACTIVE: &str = "active";
/// The account is not registered where the customer is.
const NOT_COLLECTING: &str = "not_collecting";
/// What a tax is called that Stripe gives no usable name.
const UNNAMED: &str = "Tax";

/// What an account has yet to set up.
pub(super) fn missing(settings: Settings) -> Vec<String> {
    if settings.status == ACTIVE {
        return Vec::new();
    }
    let fields = settings.status_details.pending.and_then(|pending| pending.missing_fields);
    match fields {
        Some(fields) if !fields.is_empty() => fields,
        // It is not ready, and does not say why.
        _ => vec![format!("status {ACTIVE} (it is {})", settings.status)],
    }
}

/// Where whoever paid a charge is: by their address, or failing that by the country of their card or bank.
pub(super) fn place(charge: Charge) -> Option<CreateTaxCalculationCustomerDetailsAddress> {
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

/// What an amount that somebody at this place paid includes of taxes. What kind of service it is, the account's settings say.
pub(super) fn new_calculation(
    place: CreateTaxCalculationCustomerDetailsAddress,
    amount: Money,
) -> Result<CreateTaxCalculation, PaymentError> {
    let mut item = CreateTaxCalculationLineItems::new(to_stripe(amount)?);
    item.reference = Some("session".to_owned());
    item.tax_behavior = Some(CreateTaxCalculationLineItemsTaxBehavior::Inclusive);
    let mut customer = CreateTaxCalculationCustomerDetails::new();
    customer.address = Some(place);
    customer.address_source = Some(CreateTaxCalculationCustomerDetailsAddressSource::Billing);
    Ok(CreateTaxCalculation::new(stripe_currency(amount), [item])
        .customer_details(customer)
        .expand([WITH_TAXES.to_owned()]))
}

/// A calculation of the taxes in `amount`.
///
/// # Errors
/// When it lacks what was asked for: no tax must not be taken for a tax of nothing.
pub(super) fn calculation(calculation: Calculation, amount: Money) -> Result<TaxCalculation, PaymentError> {
    let lacking = |what: &str| PaymentError::Unavailable(format!("a tax calculation came without {what}"));
    let id = calculation.id.ok_or_else(|| lacking("its id"))?;
    let valid_until = calculation.expires_at.ok_or_else(|| lacking("its end"))?;
    let items = calculation.line_items.ok_or_else(|| lacking("its lines"))?.data;
    let mut taxes = Vec::new();
    for item in items {
        taxes.extend(item.tax_breakdown.ok_or_else(|| lacking("its taxes"))?);
    }
    let taxes = included(&taxes, &calculation.currency, amount)?;
    Ok(TaxCalculation { id, valid_until: Timestamp::from_seconds(valid_until), taxes })
}

fn included(taxes: &[Tax], currency: &str, amount: Money) -> Result<Taxes, PaymentError> {
    let lines = taxes.iter().map(|tax| line(tax, currency)).collect::<Result<Vec<TaxLine>, _>>()?;
    let lines: Vec<TaxLine> = lines.into_iter().filter(|line| !line.amount.is_zero()).collect();
    if lines.is_empty() {
        let not_registered = taxes.iter().any(|tax| tax.taxability_reason == NOT_COLLECTING);
        return Ok(Taxes::Without(if not_registered { NoTax::NotRegistered } else { NoTax::NotDue }));
    }
    let sum: u64 = lines.iter().map(|line| line.amount.amount()).sum();
    let ours = lines.iter().all(|line| line.amount.currency() == amount.currency());
    if !ours || sum > amount.amount() {
        let message = format!("Stripe tells of {sum} {currency} of taxes in {amount}");
        return Err(PaymentError::Unavailable(message));
    }
    Ok(Taxes::Included(lines))
}

fn line(tax: &Tax, currency: &str) -> Result<TaxLine, PaymentError> {
    // Names are for people: one that we would not take from a person is left out, and the tax still counts.
    let name = |text: &str| ShortText::try_from(text.to_owned()).ok();
    let label = tax.tax_rate_details.as_ref().and_then(|rate| name(&rate.display_name));
    let label = label.or_else(|| name(UNNAMED));
    let rate = tax.tax_rate_details.as_ref();
    let rate = rate.and_then(|rate| Percentage::try_from(rate.percentage_decimal.clone()).ok());
    Ok(TaxLine {
        label: label.ok_or_else(|| PaymentError::Unavailable("a tax has no name".to_owned()))?,
        jurisdiction: name(&tax.jurisdiction.display_name),
        // A fee that is no part of an amount says 0 and is more.
        rate: rate.filter(|rate| rate.millionths() > 0),
        amount: tax_from_stripe(tax.amount, currency)?,
    })
}

/// How much tax was in what was taken back; none when the entry does not say.
///
/// # Errors
/// When it is no amount that we can hold.
pub(super) fn tax_taken_back(reversal: &Transaction, amount: Money) -> Result<Option<Money>, PaymentError> {
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

/// The name of a tax transaction in a sentence of Stripe's.
pub(super) fn entry_named(message: &str) -> Option<&str> {
    let mut words = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.find(|word| {
        word.strip_prefix("tax_").is_some_and(|rest| {
            rest.len() >= 8 && rest.contains(|letter: char| letter.is_ascii_digit()) && !rest.contains('_')
        })
    })
}

#[cfg(test)]
mod tests;
