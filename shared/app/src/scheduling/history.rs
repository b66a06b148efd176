//! The history of an appointment: who changed what, and when.

use domain::AppointmentId;
use domain::scheduling::history::ChangedBy;
use domain::scheduling::party::Party;
use store::HistoryPage;

use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::{App, AppError};

/// The maximum number of entries on one page.
pub const MAX_PAGE: u16 = 100;

/// The history of an appointment, the oldest entry first. `after` is the `next` of the previous page. The booking is the first
/// entry of the first page, in addition to `limit` other entries.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist, or the person has no side in it (see [`Actor`]).
pub async fn list(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    after: Option<&str>,
    limit: u16,
) -> Result<HistoryPage, AppError> {
    let (appointment, acting) = actor.appointment(app, id, Scope::Read).await?;
    let party = acting.party();
    let limit = limit.clamp(1, MAX_PAGE);
    let mut page = app.store.history(id, after, limit).await?;
    if after.is_none() {
        page.entries.insert(0, appointment.booked_entry());
    }
    page.entries.retain(|entry| entry.change.is_visible_to(party));
    // A page that is empty although there are more would look like the end.
    while page.entries.is_empty()
        && let Some(next) = page.next
    {
        let unreadable = page.unreadable;
        page = app.store.history(id, Some(&next), limit).await?;
        page.unreadable += unreadable;
        page.entries.retain(|entry| entry.change.is_visible_to(party));
    }
    // Which person acted for a side concerns only that side. Administrators see everybody.
    let is_visible = |by| party == Party::Platform || (party == Party::Expert && by == ChangedBy::Member);
    page.entries.iter_mut().for_each(|entry| entry.person = entry.person.filter(|_| is_visible(entry.by)));
    Ok(page)
}
