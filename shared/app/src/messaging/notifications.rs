//! The notifications of the signed-in person.

use domain::NotificationId;
use domain::messaging::notification::{KEPT_FOR, ReadMark, first_id_at};
use store::{NotificationPage, Transaction};

use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::{App, AppError, Decision};

/// The maximum number of notifications of one page.
pub const MAX_PAGE: u16 = 100;

/// A page of the notifications of the signed-in person, the newest first, and up to where they are read. `before` is the last
/// notification of the previous page; with `unread`, those that are read are left out.
///
/// # Errors
/// [`AppError::SignInRequired`] if nobody is signed in.
pub async fn list(
    app: &App,
    actor: &Actor,
    before: Option<NotificationId>,
    unread: bool,
    limit: u16,
) -> Result<(NotificationPage, ReadMark), AppError> {
    let id = actor.require_person(Scope::Read)?.id();
    let mark = app.store.read_mark(id).await?;
    let next_id = |id: NotificationId| NotificationId::from_bits(id.bits().saturating_add(1));
    let oldest = first_id_at(app.now().plus(-KEPT_FOR));
    let from = if unread { oldest.max(next_id(mark.until)) } else { oldest };
    let to = match before {
        Some(before) => NotificationId::from_bits(before.bits().saturating_sub(1)),
        None => NotificationId::from_bits(u128::MAX),
    };
    let page = app.store.notifications(id, from, to, limit.clamp(1, MAX_PAGE)).await?;
    Ok((page, mark))
}

/// Marks the notifications of the signed-in person as read, up to and including `until`. Notifications that are delivered later
/// stay unread.
///
/// # Errors
/// [`AppError::SignInRequired`] if nobody is signed in.
pub async fn mark_read(app: &App, actor: &Actor, until: NotificationId) -> Result<(), AppError> {
    let id = actor.require_person(Scope::Write)?.id();
    app.transact("read_notifications", || async {
        let mark = app.store.read_mark(id).await?;
        let Some(moved) = mark.moved_to(until, app.now()) else { return Ok(Decision::Unchanged(())) };
        let mut transaction = Transaction::new();
        transaction.put_read_mark(id, &moved)?;
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}
