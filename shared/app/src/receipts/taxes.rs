//! The taxes on the documents of an appointment: an expert's own rate, or what the gateway of the payment calculates.
//!
//! What the gateway calculates is written down before it is put into the expert's reports. So a document that is begun again,
//! after whatever went wrong, shows what the reports hold.

use domain::Money;
use domain::payments::payment::Payment;
use domain::receipts::billing::TaxChoice;
use domain::receipts::receipt::{Occasion, Receipt, ReceiptKind};
use domain::receipts::tax::{NoTax, TaxReport, Taxes, tax_reversals};
use domain::scheduling::appointment::Appointment;
use store::{Transaction, VersionedTaxCalculation};

use crate::payments::error::PaymentsError;
use crate::payments::escalations::MANUAL;
use crate::payments::ports::{CalculatedTax, PaymentError, TakenBack, TaxCalculation, TaxService};
use crate::{App, AppError};

/// The taxes of a document, and what it put into the expert's reports.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taxed {
    pub taxes: Taxes,
    pub reports: Vec<TaxReport>,
}

impl Taxed {
    fn without(reason: NoTax) -> Self {
        Self { taxes: Taxes::Without(reason), reports: Vec::new() }
    }
}

/// The taxes of a payment to an expert who chose this.
pub(crate) async fn of_payment(
    app: &App,
    appointment: &Appointment,
    occasion: &Occasion,
    choice: Option<&TaxChoice>,
) -> Result<Taxed, AppError> {
    match choice {
        None => return Ok(Taxed::default()),
        Some(TaxChoice::Own(tax)) => {
            return Ok(Taxed { taxes: Taxes::own(occasion.amount, tax), reports: Vec::new() });
        }
        Some(TaxChoice::Stripe) => {}
    }
    let Some(payment) = app.store.payment(appointment.id).await? else {
        return Ok(Taxed::without(NoTax::OtherGateway));
    };
    let Some(service) = app.gateways.get(payment.gateway)?.tax_service() else {
        return Ok(Taxed::without(NoTax::OtherGateway));
    };
    let reference = reference(appointment, &occasion.object);
    let report = Report { app, payment: &payment, service, occasion, charge: &occasion.object };
    match unless_refused(report.made(occasion.amount, &reference).await, appointment)? {
        Some(taxed) => Ok(taxed),
        None => Ok(Taxed::without(NoTax::Refused)),
    }
}

/// The taxes of what amends a document: of a refund, what was paid with it; of a refund that failed, what its credit note says.
///
/// `documents` are those of the appointment. What cannot be put into the expert's reports any more leaves the document as it
/// is: what goes back includes the taxes of what was paid, whatever becomes of the account.
pub(crate) async fn of_amendment(
    app: &App,
    appointment: &Appointment,
    occasion: &Occasion,
    amended: &Receipt,
    documents: &[Receipt],
) -> Result<Taxed, AppError> {
    let taxes = amended.taxes.of_part(amended.total, occasion.amount);
    let nothing = Taxed { taxes: taxes.clone(), reports: Vec::new() };
    if amended.tax_reports.is_empty() {
        return Ok(nothing);
    }
    let Some(payment) = app.store.payment(appointment.id).await? else { return Ok(nothing) };
    let Some(service) = app.gateways.get(payment.gateway)?.tax_service() else { return Ok(nothing) };
    let reference = reference(appointment, &occasion.object);
    if amended.kind != ReceiptKind::Receipt {
        let Some(paid) = documents.iter().find(|document| document.kind == ReceiptKind::Receipt) else {
            return Ok(nothing);
        };
        let amount = amended.tax_reports.iter().map(|report| report.amount.amount()).sum();
        let amount = occasion.amount.with_amount(amount).unwrap_or(occasion.amount);
        // The gateway puts nothing back that was taken back, so the money is reported as if it came in again.
        let report = Report { app, payment: &payment, service, occasion, charge: &paid.reference };
        let again = unless_refused(report.made(amount, &format!("{reference}:failed")).await, appointment)?;
        return Ok(Taxed { taxes, reports: again.map_or_else(Vec::new, |again| again.reports) });
    }
    take_back(appointment, occasion, documents, &reference, (&payment, service), taxes).await
}

/// Takes what goes back to the client out of the expert's reports.
async fn take_back(
    appointment: &Appointment,
    occasion: &Occasion,
    documents: &[Receipt],
    reference: &str,
    (payment, service): (&Payment, &dyn TaxService),
    taxes: Taxes,
) -> Result<Taxed, AppError> {
    let before = documents.iter().flat_map(|document| &document.tax_reports);
    let parts = tax_reversals(before, occasion.amount);
    let mut reports = Vec::new();
    let (mut taken, mut told) = (0, Some(0));
    for (place, part) in parts.into_iter().enumerate() {
        let reference = match place {
            0 => reference.to_owned(),
            place => format!("{reference}:{}", place + 1),
        };
        let back = service.take_back(&payment.destination, &part.entry, part.amount, &reference).await;
        let Some(TakenBack { entry, tax }) = unless_refused(back, appointment)? else { continue };
        taken += part.amount.amount();
        told = told.zip(tax).map(|(told, tax)| told + tax.amount());
        reports.push(TaxReport { entry, reverses: Some(part.entry), amount: part.amount });
    }
    if taken < occasion.amount.amount() {
        tracing::error!(
            appointment = %appointment.id, refund = occasion.object, taken, of = %occasion.amount,
            "the expert's tax reports still hold some of what went back; they must take it out by hand"
        );
        told = None;
    }
    // What the gateway says was in it counts; it cannot be more than went back.
    let sum: Option<Money> = told.and_then(|told| occasion.amount.with_amount(told).ok());
    let taxes = match sum.filter(|sum| sum.amount() <= occasion.amount.amount()) {
        Some(sum) => taxes.adding_up_to(sum),
        None => taxes,
    };
    Ok(Taxed { taxes, reports })
}

/// Money that came in, to be put into the expert's reports.
struct Report<'a> {
    app: &'a App,
    payment: &'a Payment,
    service: &'a dyn TaxService,
    occasion: &'a Occasion,
    /// What the gateway calls the client's payment.
    charge: &'a str,
}

impl Report<'_> {
    async fn made(&self, amount: Money, reference: &str) -> Result<Taxed, AppError> {
        let account = &self.payment.destination;
        let Some(TaxCalculation { id, taxes, .. }) = self.calculation(account, amount).await? else {
            return Ok(Taxed::without(NoTax::PlaceUnknown));
        };
        let entry = self.service.report(account, &id, reference).await?;
        if entry.is_none() {
            tracing::error!(
                appointment = %self.payment.appointment, reference,
                "the name of an entry in the expert's tax reports was lost; what goes back of it must be taken out by hand"
            );
        }
        Ok(Taxed { taxes, reports: vec![TaxReport { entry, reverses: None, amount }] })
    }

    /// The calculation that was written down, unless it is too old to be reported; otherwise a new one, written down now.
    async fn calculation(&self, account: &str, amount: Money) -> Result<Option<TaxCalculation>, AppError> {
        let (id, name) = (self.payment.appointment, self.occasion.document());
        let written = self.app.store.tax_calculation(id, name).await?;
        let version = written.as_ref().map_or(0, |written| written.version);
        if let Some(VersionedTaxCalculation { id, valid_until, taxes, .. }) = written
            && self.app.now() < valid_until
        {
            return Ok(Some(TaxCalculation { id, valid_until, taxes }));
        }
        let calculated = match self.service.calculate(account, self.charge, amount).await? {
            CalculatedTax::PlaceUnknown => return Ok(None),
            CalculatedTax::Done(calculated) => calculated,
        };
        let TaxCalculation { id: calculation, valid_until, taxes } = calculated.clone();
        let written = VersionedTaxCalculation { version: version + 1, id: calculation, valid_until, taxes };
        let mut transaction = Transaction::new();
        transaction.put_tax_calculation(id, name, &written)?;
        self.app.commit(transaction).await?;
        Ok(Some(calculated))
    }
}

/// What a movement is called in the expert's reports. What the gateway named has that name; what a person settled by hand has one
/// that counts within its appointment only.
fn reference(appointment: &Appointment, object: &str) -> String {
    if object.starts_with(MANUAL) { format!("{}:{object}", appointment.id) } else { object.to_owned() }
}

/// What was refused for good must not hold a document up for ever.
fn unless_refused<T>(
    done: Result<T, impl Into<AppError>>,
    appointment: &Appointment,
) -> Result<Option<T>, AppError> {
    match done.map_err(Into::into) {
        Ok(done) => Ok(Some(done)),
        Err(AppError::Payments(PaymentsError::Gateway(PaymentError::Refused { code, message }))) => {
            tracing::error!(appointment = %appointment.id, code, message, "the tax service refused");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
