//! The taxes on the documents of an appointment: by a fixed rate of the expert, or calculated by the gateway of the payment.
//!
//! A calculation of the gateway is stored before it is added to the expert's tax reports at the gateway. If issuing a document
//! is repeated after a failure, the document therefore shows the same taxes as the reports.

use domain::Money;
use domain::payments::payment::Payment;
use domain::receipts::billing::TaxChoice;
use domain::receipts::receipt::{DocumentCause, Receipt, ReceiptKind};
use domain::receipts::tax::{NoTax, TaxReport, Taxes, tax_reversals};
use domain::scheduling::appointment::Appointment;
use store::{Transaction, VersionedTaxCalculation};

use crate::payments::error::PaymentsError;
use crate::payments::escalations::MANUAL_OBJECT;
use crate::payments::ports::{CalculatedTax, GatewayError, TaxCalculation, TaxReversal, TaxService};
use crate::{App, AppError};

/// The taxes of a document, and its entries in the expert's tax reports.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taxed {
    pub taxes: Taxes,
    pub reports: Vec<TaxReport>,
}

impl Taxed {
    fn without(reason: NoTax) -> Self {
        Self { taxes: Taxes::NotIncluded(reason), reports: Vec::new() }
    }
}

/// The taxes of a payment, by the tax setting of the expert.
///
/// If the gateway cannot calculate taxes for this payment, the document is issued without taxes and says why.
pub(crate) async fn of_payment(
    app: &App,
    appointment: &Appointment,
    cause: &DocumentCause,
    choice: Option<&TaxChoice>,
) -> Result<Taxed, AppError> {
    match choice {
        None => return Ok(Taxed::default()),
        Some(TaxChoice::Own(tax)) => {
            return Ok(Taxed { taxes: Taxes::own(cause.amount, tax), reports: Vec::new() });
        }
        Some(TaxChoice::Stripe) => {}
    }
    let Some(payment) = app.store.payment(appointment.id).await? else {
        return Ok(Taxed::without(NoTax::OtherGateway));
    };
    let Some(service) = app.gateways.get(payment.gateway)?.tax_service.as_deref() else {
        return Ok(Taxed::without(NoTax::OtherGateway));
    };
    let reference = reference(appointment, &cause.object);
    let report = Report { app, payment: &payment, service, cause, charge: &cause.object };
    match unless_refused(report.add(cause.amount, &reference).await, appointment)? {
        Some(taxed) => Ok(taxed),
        None => Ok(Taxed::without(NoTax::Refused)),
    }
}

/// The taxes of a document that amends another one: of a credit note, the share of the taxes that were paid; of a correction,
/// the taxes of its credit note.
///
/// `documents` are those of the appointment. If the expert's tax reports cannot be changed, for example because the account was
/// closed, the document still shows these taxes.
pub(crate) async fn of_amendment(
    app: &App,
    appointment: &Appointment,
    cause: &DocumentCause,
    amended: &Receipt,
    documents: &[Receipt],
) -> Result<Taxed, AppError> {
    let taxes = amended.taxes.of_part(amended.total, cause.amount);
    let unreported = Taxed { taxes: taxes.clone(), reports: Vec::new() };
    if amended.tax_reports.is_empty() {
        return Ok(unreported);
    }
    let Some(payment) = app.store.payment(appointment.id).await? else { return Ok(unreported) };
    let Some(service) = app.gateways.get(payment.gateway)?.tax_service.as_deref() else {
        return Ok(unreported);
    };
    let reference = reference(appointment, &cause.object);
    if amended.kind != ReceiptKind::Receipt {
        let Some(paid) = documents.iter().find(|document| document.kind == ReceiptKind::Receipt) else {
            return Ok(unreported);
        };
        let amount = amended.tax_reports.iter().map(|report| report.amount.amount()).sum();
        let amount = cause.amount.with_amount(amount).unwrap_or(cause.amount);
        // The gateway cannot undo a reversal of an entry, so the amount is reported as a new payment.
        let report = Report { app, payment: &payment, service, cause, charge: &paid.reference };
        let again = unless_refused(report.add(amount, &format!("{reference}:failed")).await, appointment)?;
        return Ok(Taxed { taxes, reports: again.map_or_else(Vec::new, |again| again.reports) });
    }
    reverse(appointment, cause, documents, &reference, (&payment, service), taxes).await
}

/// Reverses the refunded amount in the expert's tax reports.
async fn reverse(
    appointment: &Appointment,
    cause: &DocumentCause,
    documents: &[Receipt],
    reference: &str,
    (payment, service): (&Payment, &dyn TaxService),
    taxes: Taxes,
) -> Result<Taxed, AppError> {
    let before = documents.iter().flat_map(|document| &document.tax_reports);
    let parts = tax_reversals(before, cause.amount);
    let mut reports = Vec::new();
    let (mut reversed, mut reversed_tax) = (0, Some(0));
    for (place, part) in parts.into_iter().enumerate() {
        let reference = match place {
            0 => reference.to_owned(),
            place => format!("{reference}:{}", place + 1),
        };
        let back = service.reverse(&payment.destination, &part.entry, part.amount, &reference).await;
        let Some(TaxReversal { entry, tax }) = unless_refused(back, appointment)? else { continue };
        reversed += part.amount.amount();
        reversed_tax = reversed_tax.zip(tax).map(|(sum, tax)| sum + tax.amount());
        reports.push(TaxReport { entry, reverses: Some(part.entry), amount: part.amount });
    }
    if reversed < cause.amount.amount() {
        tracing::error!(
            appointment = %appointment.id, refund = cause.object, reversed, of = %cause.amount,
            "the expert's tax reports still contain a part of the refund; the expert must reverse it manually"
        );
        reversed_tax = None;
    }
    // The tax that the gateway has reversed takes precedence, unless it exceeds the refund.
    let sum: Option<Money> = reversed_tax.and_then(|tax| cause.amount.with_amount(tax).ok());
    let taxes = match sum.filter(|sum| sum.amount() <= cause.amount.amount()) {
        Some(sum) => taxes.adding_up_to(sum),
        None => taxes,
    };
    Ok(Taxed { taxes, reports })
}

/// A payment to add to the expert's tax reports.
struct Report<'a> {
    app: &'a App,
    payment: &'a Payment,
    service: &'a dyn TaxService,
    cause: &'a DocumentCause,
    /// The gateway's id of the client's payment.
    charge: &'a str,
}

impl Report<'_> {
    /// Calculates the taxes that `amount` includes and adds them to the reports.
    async fn add(&self, amount: Money, reference: &str) -> Result<Taxed, AppError> {
        let account = &self.payment.destination;
        let Some(TaxCalculation { id, taxes, .. }) = self.calculation(account, amount).await? else {
            return Ok(Taxed::without(NoTax::PlaceUnknown));
        };
        let entry = self.service.report(account, &id, reference).await?;
        if entry.is_none() {
            tracing::error!(
                appointment = %self.payment.appointment, reference,
                "the id of an entry in the expert's tax reports is unknown; refunds of it must be reversed manually"
            );
        }
        Ok(Taxed { taxes, reports: vec![TaxReport { entry, reverses: None, amount }] })
    }

    /// The stored calculation, unless it is too old to be reported; otherwise a new one, which is stored. `None` if the gateway does
    /// not know where the client is.
    async fn calculation(&self, account: &str, amount: Money) -> Result<Option<TaxCalculation>, AppError> {
        let (id, name) = (self.payment.appointment, self.cause.document());
        let stored = self.app.store.tax_calculation(id, name).await?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        if let Some(VersionedTaxCalculation { id, valid_until, taxes, .. }) = stored
            && self.app.now() < valid_until
        {
            return Ok(Some(TaxCalculation { id, valid_until, taxes }));
        }
        let calculated = match self.service.calculate(account, self.charge, amount).await? {
            CalculatedTax::PlaceUnknown => return Ok(None),
            CalculatedTax::Done(calculated) => calculated,
        };
        let TaxCalculation { id: calculation, valid_until, taxes } = calculated.clone();
        let stored = VersionedTaxCalculation { version: version + 1, id: calculation, valid_until, taxes };
        let mut transaction = Transaction::new();
        transaction.put_tax_calculation(id, name, &stored)?;
        self.app.commit(transaction).await?;
        Ok(Some(calculated))
    }
}

/// The reference of a movement in the expert's tax reports, which must be unique there. The gateway's ids are unique; the id of
/// an amount that was resolved manually is unique within its appointment only.
fn reference(appointment: &Appointment, object: &str) -> String {
    if object.starts_with(MANUAL_OBJECT) { format!("{}:{object}", appointment.id) } else { object.to_owned() }
}

/// Turns a permanent refusal into `None`, because it must not prevent the document for ever.
fn unless_refused<T>(
    result: Result<T, impl Into<AppError>>,
    appointment: &Appointment,
) -> Result<Option<T>, AppError> {
    match result.map_err(Into::into) {
        Ok(value) => Ok(Some(value)),
        Err(AppError::Payments(PaymentsError::Gateway(GatewayError::Refused { code, message }))) => {
            tracing::error!(appointment = %appointment.id, code, message, "the tax service refused");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
