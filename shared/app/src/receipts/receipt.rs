//! A document for each movement of money: issued once, read by the two people, listed by its issuer.

use domain::receipts::receipt::{Draft, Issuer, Occasion, Receipt, ReceiptKind, ReceiptNumber};
use domain::scheduling::appointment::Appointment;
use domain::{AppointmentId, ReceiptId, Zone};
use store::{ReceiptPage, Transaction};

use crate::identity::people::{Owner, Person, Role};
use crate::receipts::taxes::{self, Taxed};
use crate::{App, AppError, Attempt};

/// Most receipts of one page.
pub const LARGEST_PAGE: u16 = 100;

/// Issues the document of a movement of money, under the next number of the expert's series. Doing so again answers the one
/// that was issued.
///
/// Taxes that the gateway calculates are asked for first, and once, however often the number has to be tried.
///
/// # Errors
/// [`AppError::NotFound`] when what it amends was not issued yet: a payment before its refund, a refund before its failure.
/// [`AppError::Busy`] when too many are issued for one expert at once, [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) when the gateway does not answer;
/// nothing is lost by trying again.
pub async fn issue(app: &App, appointment: &Appointment, occasion: &Occasion) -> Result<Receipt, AppError> {
    if let Some(issued) = app.store.document(appointment.id, occasion.document()).await? {
        return Ok(issued);
    }
    let content = Content::of(app, appointment, occasion).await?;
    app.transact("issue_receipt", || async {
        if let Some(issued) = app.store.document(appointment.id, occasion.document()).await? {
            return Ok(Attempt::Unchanged(issued));
        }
        let receipt = content.numbered(app, appointment, occasion).await?;
        let mut transaction = Transaction::new();
        transaction.issue_receipt(&receipt)?;
        Ok(Attempt::Commit(transaction, receipt))
    })
    .await
}

/// All of a document but its number.
struct Content {
    issuer: Issuer,
    kind: ReceiptKind,
    taxed: Taxed,
}

impl Content {
    async fn of(app: &App, appointment: &Appointment, occasion: &Occasion) -> Result<Self, AppError> {
        let expert = appointment.expert;
        let (profile, rules, billing) =
            tokio::join!(app.store.expert(expert), app.store.rules(expert), app.store.billing(expert));
        let profile = profile?.ok_or(AppError::NotFound("expert"))?.profile;
        let zone = rules?.map_or(Zone::UTC, |rules| rules.rules.time_zone);
        let billing = billing?.map(|billing| billing.details);
        let issuer = Issuer::new(profile.name, billing.as_ref(), zone);
        let Some(amended) = occasion.amends() else {
            let choice = billing.as_ref().and_then(|billing| billing.tax.as_ref());
            let taxed = taxes::of_payment(app, appointment, occasion, choice).await?;
            return Ok(Self { issuer, kind: ReceiptKind::Receipt, taxed });
        };
        let documents = app.store.documents(appointment.id).await?;
        let amended = documents.iter().find(|document| document.name() == amended);
        let amended = amended.ok_or(AppError::NotFound("document that this one amends"))?;
        let taxed = taxes::of_amendment(app, appointment, occasion, amended, &documents).await?;
        Ok(Self { issuer, kind: ReceiptKind::amending(amended), taxed })
    }

    /// The document as it would be issued now.
    async fn numbered(
        &self,
        app: &App,
        appointment: &Appointment,
        occasion: &Occasion,
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
        Ok(Receipt::issued(appointment, occasion, draft))
    }
}

/// A document, for its client, its issuer and administrators.
///
/// # Errors
/// [`AppError::NotFound`] to everybody else.
pub async fn read(app: &App, person: &Person, id: ReceiptId) -> Result<Receipt, AppError> {
    let theirs = |receipt: &Receipt| {
        person.has(Role::Admin)
            || person.has(Role::Expert) && receipt.expert == person.expert_id()
            || person.has(Role::Client) && receipt.client == person.client_id()
    };
    app.store.receipt(id).await?.filter(theirs).ok_or(AppError::NotFound("receipt"))
}

/// The documents of an appointment in the order of their numbers, for its two people.
///
/// # Errors
/// [`AppError::NotFound`] to everybody else.
pub async fn list_of_appointment(
    app: &App,
    person: &Person,
    id: AppointmentId,
) -> Result<Vec<Receipt>, AppError> {
    let (appointment, documents) = tokio::join!(app.store.appointment(id), app.store.documents(id));
    person.party_of(&appointment?.ok_or(AppError::NotFound("appointment"))?)?;
    Ok(documents?)
}

/// What an expert issued in a year behind a sequence number, in the order of the numbers.
///
/// # Errors
/// When it cannot be read.
pub async fn list_of_expert(
    app: &App,
    owner: Owner,
    year: u16,
    after: u32,
    limit: u16,
) -> Result<ReceiptPage, AppError> {
    Ok(app.store.receipts(owner.expert(), year, after, limit.clamp(1, LARGEST_PAGE)).await?)
}
