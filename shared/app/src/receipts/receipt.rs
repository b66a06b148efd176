//! Receipts, credit notes and corrections: one document for each payment, refund and failed refund, and for what a client pays for
//! the processing of a refund.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::experts::members::Right;
use domain::payments::ledger::{Movement, MovementKind};
use domain::payments::payment::processing_cost_object;
use domain::receipts::receipt::{
    DocumentCause, DocumentCauseKind, Draft, Issuer, Receipt, ReceiptKind, ReceiptNumber,
};
use domain::scheduling::appointment::{Appointment, Status};
use domain::{AppointmentId, ExpertId, ReceiptId, Zone};
use store::{ReceiptPage, Transaction};

use crate::identity::signed_in::Scope;
use crate::identity::{Actor, require_right_of};
use crate::receipts::taxes::{self, Taxed};
use crate::{App, AppError, Decision};

/// The maximum number of documents of one page.
pub const MAX_PAGE: u16 = 100;

/// Issues the missing documents of an appointment: one for each payment, refund and failed refund, and one for what the client pays
/// for the processing of a refund.
pub(crate) async fn issue_missing(app: &App, id: AppointmentId) -> Result<(), AppError> {
    let Some(record) = app.store.latest_appointment_record(id).await? else { return Ok(()) };
    let payment = |movements: &[Movement]| {
        let captured = movements.iter().find(|movement| movement.kind == MovementKind::Captured);
        captured.map(|movement| movement.object.clone())
    };
    for movement in &record.movements {
        let kind = match movement.kind {
            MovementKind::Captured => DocumentCauseKind::Payment,
            // To the client, an amount that was resolved manually is a refund.
            MovementKind::Refund | MovementKind::ResolvedManually => match payment(&record.movements) {
                Some(payment) => DocumentCauseKind::Refund { payment },
                None => continue,
            },
            MovementKind::RefundFailed => DocumentCauseKind::FailedRefund,
            _ => continue,
        };
        let Movement { amount, object, at, .. } = movement.clone();
        issue(app, &Actor::Platform, &record.appointment, &DocumentCause { kind, object, amount, at })
            .await?;
    }
    let cost = record.payment.as_ref().and_then(|payment| payment.processing_cost);
    let named = payment(&record.movements).zip(processing_cost_object(&record.movements));
    if let (Some(amount), Some((payment, object))) = (cost, named) {
        let at = match record.appointment.status {
            Status::Cancelled { cancelled_at, .. } => cancelled_at,
            _ => app.now(),
        };
        let kind = DocumentCauseKind::ProcessingCost { payment };
        issue(app, &Actor::Platform, &record.appointment, &DocumentCause { kind, object, amount, at })
            .await?;
    }
    Ok(())
}

/// Issues the document of a cause with the expert's next number. If it is issued already, returns it.
///
/// The gateway calculates taxes once, before the transaction that assigns the number, however many attempts that takes.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the platform.
/// [`AppError::NotFound`] if the document that this one amends is not issued yet: the receipt of a refunded payment, or the
/// credit note of a failed refund. [`AppError::Busy`] if too many documents of the expert are issued at once.
/// [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) if the gateway does not respond. After each of
/// these the call can be repeated.
pub async fn issue(
    app: &App,
    actor: &Actor,
    appointment: &Appointment,
    cause: &DocumentCause,
) -> Result<Receipt, AppError> {
    actor.require_platform()?;
    if let Some(issued) = app.store.document(appointment.id, cause.document()).await? {
        return Ok(issued);
    }
    let content = Content::of(app, appointment, cause).await?;
    let is_first_attempt = AtomicBool::new(true);
    app.transact("issue_receipt", || async {
        // A version conflict may mean that the same document was issued meanwhile.
        if !is_first_attempt.swap(false, Ordering::Relaxed)
            && let Some(issued) = app.store.document(appointment.id, cause.document()).await?
        {
            return Ok(Decision::Unchanged(issued));
        }
        let receipt = content.numbered(app, appointment, cause).await?;
        let mut transaction = Transaction::new();
        transaction.issue_receipt(&receipt)?;
        Ok(Decision::Commit(transaction, receipt))
    })
    .await
}

/// A document without its number.
struct Content {
    issuer: Issuer,
    kind: ReceiptKind,
    taxed: Taxed,
}

impl Content {
    /// Collects what the document shows, and its taxes.
    async fn of(app: &App, appointment: &Appointment, cause: &DocumentCause) -> Result<Self, AppError> {
        let expert = appointment.expert;
        let (profile, rules, billing) =
            tokio::join!(app.store.expert(expert), app.store.rules(expert), app.store.billing(expert));
        let profile = profile?.ok_or(AppError::NotFound("expert"))?.profile;
        let zone = rules?.map_or(Zone::UTC, |rules| rules.rules.time_zone);
        let billing = billing?.map(|billing| billing.details);
        let issuer = Issuer::new(profile.name, billing.as_ref(), zone);
        let Some(amended) = cause.amends() else {
            let choice = billing.as_ref().and_then(|billing| billing.tax.as_ref());
            let taxed = taxes::of_payment(app, appointment, cause, choice).await?;
            return Ok(Self { issuer, kind: ReceiptKind::Receipt, taxed });
        };
        let documents = app.store.documents(appointment.id).await?;
        let amended = documents.iter().find(|document| document.name() == amended);
        let amended = amended.ok_or(AppError::NotFound("amended document"))?;
        let taxed = taxes::of_amendment(app, appointment, cause, amended, &documents).await?;
        Ok(Self { issuer, kind: ReceiptKind::amending(cause, amended), taxed })
    }

    /// The document with the next number and the current time.
    async fn numbered(
        &self,
        app: &App,
        appointment: &Appointment,
        cause: &DocumentCause,
    ) -> Result<Receipt, AppError> {
        let issued_at = app.now();
        let year = ReceiptNumber::year_of(issued_at, self.issuer.time_zone);
        let last = app.store.last_receipt(appointment.expert, year).await?;
        let draft = Draft {
            id: ReceiptId::from_bits(app.new_id_bits()),
            number: ReceiptNumber::after(last, year),
            issued_at,
            issuer: self.issuer.clone(),
            kind: self.kind,
            taxes: self.taxed.taxes.clone(),
            tax_reports: self.taxed.reports.clone(),
        };
        Ok(Receipt::issued(appointment, cause, draft))
    }
}

/// A document by its id.
///
/// # Errors
/// [`AppError::NotFound`] if it does not exist, or the person has no side in its appointment (see [`Actor`]),
/// [`AppError::Forbidden`] for a member whose role does not include the expert's money.
pub async fn read(app: &App, actor: &Actor, id: ReceiptId) -> Result<Receipt, AppError> {
    actor.require_person(Scope::Read)?;
    let receipt = app.store.receipt(id).await?.ok_or(AppError::NotFound("receipt"))?;
    let acting = actor.side_of(app, receipt.expert, receipt.client, Scope::Read).await?;
    require_right_of(acting.ok_or(AppError::NotFound("receipt"))?, Right::Money)?;
    Ok(receipt)
}

/// The documents of an appointment, ordered by number, and whether some are missing because this release cannot read them.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist, or the person has no side in it (see [`Actor`]),
/// [`AppError::Forbidden`] for a member whose role does not include the expert's money.
pub async fn list_of_appointment(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
) -> Result<(Vec<Receipt>, bool), AppError> {
    let (appointment, documents) =
        tokio::join!(actor.appointment(app, id, Scope::Read), app.store.readable_documents(id));
    require_right_of(appointment?.1, Right::Money)?;
    let (documents, unreadable) = documents?;
    Ok((documents, unreadable > 0))
}

/// The documents that an expert has issued in a year, ordered by number. `after` is the last sequence number of the previous
/// page; 0 for the first page.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert.
pub async fn list_of_expert(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    year: u16,
    after: u32,
    limit: u16,
) -> Result<ReceiptPage, AppError> {
    actor.require_right(app, expert, Right::Money, Scope::Read).await?;
    Ok(app.store.receipts(expert, year, after, limit.clamp(1, MAX_PAGE)).await?)
}
