//! Declined attempts to pay: they are counted when the gateway reports them, and bound what can be paid and booked.

use std::net::IpAddr;

use domain::ClientId;
use domain::Timestamp;
use domain::payments::declines::{DeclinedAttempts, TooManyDeclines};
use domain::payments::payment::{Payment, PaymentState};
use domain::scheduling::appointment::Appointment;
use store::{DeclineCounter, Transaction};

use crate::ports::PortError;
use crate::{App, AppError};

/// The log message of a declined attempt to pay. A metric in `template.yaml` counts it.
pub const DECLINED: &str = "an attempt to pay was declined";

/// Why the client cannot open a payment now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclineRefusal {
    /// Too many attempts to pay were declined today.
    #[error("{reached}")]
    TooMany {
        /// The limit.
        reached: TooManyDeclines,
        /// The number of seconds until the limit allows a payment.
        seconds: u64,
    },
    /// The client must solve a challenge first.
    #[error(
        "attempts to pay were declined; show the challenge of `site_key`, and send its token as `challenge_token`"
    )]
    ChallengeRequired {
        /// The public key with which the client's browser shows the challenge.
        site_key: String,
    },
    /// The token of the client's challenge could not be verified.
    #[error("the challenge could not be verified")]
    NotVerified(#[from] PortError),
}

/// Adds a declined attempt to a transaction: to the payment, and to the counts of its client and of the network address of the
/// booking. A payment with an unknown state is not written.
///
/// # Errors
/// [`AppError::Read`] if the counts cannot be read, [`AppError::Commit`] if a row cannot be stored.
pub(super) async fn count(
    app: &App,
    transaction: &mut Transaction,
    appointment: &Appointment,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), AppError> {
    let counters = [
        Some(DeclineCounter::Client(appointment.client, now)),
        payment.booked_from.as_deref().map(DeclineCounter::Address),
    ];
    for counter in counters.into_iter().flatten() {
        let declines = app.store.declines(counter).await?;
        transaction.put_declines(counter, declines + 1, now)?;
    }
    if payment.state != PaymentState::Unknown {
        transaction.put_payment(&payment.declined_once_more(&app.settings.decline_limits))?;
    }
    Ok(())
}

/// Whether a client may open a payment. `digest` stands for the network address of the request and the day, and `token` is that of
/// a challenge that the client has solved.
///
/// The token is shown to the verifier only if it is needed, because it can be used once.
///
/// # Errors
/// [`AppError::Read`] if the counts cannot be read.
pub(crate) async fn check(
    app: &App,
    client: ClientId,
    (address, digest): (Option<IpAddr>, Option<&str>),
    token: Option<&str>,
) -> Result<Result<(), DeclineRefusal>, AppError> {
    let (now, limits) = (app.now(), &app.settings.decline_limits);
    let of_address = async {
        match digest {
            Some(digest) => app.store.declines(DeclineCounter::Address(digest)).await,
            None => Ok(0),
        }
    };
    let of_client = app.store.declines(DeclineCounter::Client(client, now));
    let (of_client, of_address) = tokio::try_join!(of_client, of_address)?;
    let attempts = DeclinedAttempts { of_client, of_address };
    if let Err(reached) = attempts.check(limits, now) {
        let seconds = reached.again_at.seconds().abs_diff(now.seconds());
        return Ok(Err(DeclineRefusal::TooMany { reached, seconds }));
    }
    let Some(site_key) = app.challenges.site_key().filter(|_| attempts.need_challenge(limits)) else {
        return Ok(Ok(()));
    };
    let refused = || DeclineRefusal::ChallengeRequired { site_key: site_key.to_owned() };
    let Some(token) = token else { return Ok(Err(refused())) };
    Ok(match app.challenges.verify(token, address).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(refused()),
        Err(error) => Err(error.into()),
    })
}
