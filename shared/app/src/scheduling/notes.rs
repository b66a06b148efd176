//! Notes that the parties of an appointment write about the session, before or after it.

use domain::kernel::text::NoteText;
use domain::scheduling::note::{MAX_NOTES, NoteVisibility, SessionNote};
use domain::scheduling::party::Party;
use domain::{AppointmentId, NoteId};
use store::{NotesWritten, Transaction};

use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::{App, AppError, Decision, IfMatch, check_version};

/// The contents of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteContents {
    /// Who can read it.
    pub visibility: NoteVisibility,
    /// The text.
    pub text: NoteText,
}

/// The party of a person in an appointment.
async fn party(app: &App, actor: &Actor, id: AppointmentId, scope: Scope) -> Result<Party, AppError> {
    Ok(actor.appointment(app, id, scope).await?.1.party())
}

/// The notes about a session that the person may read, the oldest first, and whether this release cannot read some notes.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist or does not concern the person.
pub async fn list(app: &App, actor: &Actor, id: AppointmentId) -> Result<(Vec<SessionNote>, bool), AppError> {
    let party = party(app, actor, id, Scope::Read).await?;
    let (mut notes, unreadable) = app.store.notes(id).await?;
    notes.retain(|note| note.is_visible_to(party));
    Ok((notes, unreadable > 0))
}

/// A note about a session that the person may read.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist or does not concern the person, or they may not read the note.
pub async fn read(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    note: NoteId,
) -> Result<SessionNote, AppError> {
    let party = party(app, actor, id, Scope::Read).await?;
    find(app, id, note, party).await
}

/// A note that a party may read.
async fn find(app: &App, id: AppointmentId, note: NoteId, party: Party) -> Result<SessionNote, AppError> {
    let note = app.store.note(id, note).await?.filter(|note| note.is_visible_to(party));
    note.ok_or(AppError::NotFound("note"))
}

/// Writes a note about a session.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist or does not concern the person, [`AppError::Forbidden`] for an
/// administrator, [`AppError::TooMany`] if the party has 20 notes already,
/// [`AppError::KeyReused`], [`AppError::StillRunning`]: see [`IdempotentRequest`].
pub async fn create(
    app: &App,
    actor: &Actor,
    request: &IdempotentRequest,
    id: AppointmentId,
    contents: NoteContents,
) -> Result<Creation<SessionNote>, AppError> {
    let person = actor.require_person(Scope::Write)?;
    let author = party(app, actor, id, Scope::Write).await?;
    if author == Party::Platform {
        return Err(AppError::Forbidden("only the expert and the client can write notes about a session"));
    }
    app.transact("create_note", || async {
        let now = app.now();
        let expired = match request.status(app, person, now).await? {
            RequestStatus::Completed(response) => {
                return Ok(Decision::Unchanged(Creation::Replayed(response)));
            }
            RequestStatus::Interrupted(record) => {
                let note = record.subject.parse().map_err(|_| AppError::NotFound("note"))?;
                let note = app.store.note(id, note).await?.ok_or(AppError::NotFound("note"))?;
                return Ok(Decision::Unchanged(Creation::Created(note, record)));
            }
            RequestStatus::New(expired) => expired,
        };
        // Reading this first detects every note that the party writes after this point.
        let NotesWritten { version } = app.store.notes_written(id, author).await?;
        let (notes, unreadable) = app.store.notes(id).await?;
        // Whose notes the unreadable ones are is not known.
        let written = notes.iter().filter(|note| note.author == author).count() + unreadable;
        if written >= MAX_NOTES {
            return Err(AppError::TooMany(
                "a party can write at most 20 notes; change or delete one instead",
            ));
        }
        let NoteContents { visibility, text } = contents.clone();
        let note = SessionNote {
            id: app.new_note_id(),
            version: 1,
            author,
            visibility,
            text,
            created_at: now,
            changed_at: now,
        };
        let idempotency = request.record(person, note.id, now);
        let mut transaction = Transaction::new();
        transaction.put_note(id, &note)?;
        transaction.put_notes_written(id, author, NotesWritten { version: version + 1 })?;
        transaction.put_idempotency_record(&idempotency, expired.as_ref())?;
        Ok(Decision::Commit(transaction, Creation::Created(note, idempotency)))
    })
    .await
}

/// A note that the person has written.
async fn own(app: &App, actor: &Actor, id: AppointmentId, note: NoteId) -> Result<SessionNote, AppError> {
    let party = party(app, actor, id, Scope::Write).await?;
    let note = find(app, id, note, party).await?;
    match (note.author == party, note.visibility) {
        (false, _) => Err(AppError::Forbidden("only the party that wrote a note can change or delete it")),
        (true, NoteVisibility::Unknown) => Err(AppError::NewerRelease(
            "a newer release has changed the note in a way that this one does not know; try again later",
        )),
        (true, NoteVisibility::Private | NoteVisibility::Shared) => Ok(note),
    }
}

/// Replaces a note of the person's party. `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] if the person cannot read the note, [`AppError::Forbidden`] if the other party wrote it,
/// [`AppError::NewerRelease`] if it is not known who may read it, [`AppError::VersionMismatch`] if it has another version.
pub async fn replace(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    note: NoteId,
    if_match: IfMatch,
    contents: NoteContents,
) -> Result<SessionNote, AppError> {
    app.transact("replace_note", || async {
        let current = own(app, actor, id, note).await?;
        check_version(if_match, current.version)?;
        let NoteContents { visibility, text } = contents.clone();
        let (version, changed_at) = (current.version + 1, app.now());
        let note = SessionNote { version, visibility, text, changed_at, ..current };
        let mut transaction = Transaction::new();
        transaction.put_note(id, &note)?;
        Ok(Decision::Commit(transaction, note))
    })
    .await
}

/// Deletes a note of the person's party. `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] if the person cannot read the note, [`AppError::Forbidden`] if the other party wrote it,
/// [`AppError::NewerRelease`] if it is not known who may read it, [`AppError::VersionMismatch`] if it has another version.
pub async fn delete(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    note: NoteId,
    if_match: IfMatch,
) -> Result<(), AppError> {
    app.transact("delete_note", || async {
        let note = own(app, actor, id, note).await?;
        check_version(if_match, note.version)?;
        let mut transaction = Transaction::new();
        transaction.delete_note(id, &note);
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}
