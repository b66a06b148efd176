//! What the platform keeps about the person who is signed in, and for whom they act.

use domain::PersonId;
use domain::identity::person::{Person, PersonProfile, UserInfo};
use domain::identity::suspension::Suspension;
use store::{MembershipPage, Transaction};

use crate::identity::Actor;
use crate::identity::ports::IssuerError;
use crate::identity::signed_in::{AccessToken, Scope};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// What is logged if the issuer fails to describe a person. An alarm counts it.
pub const ISSUER_FAILED: &str = "the issuer did not describe a person";
/// The number of memberships that are returned with a person.
const MEMBERSHIPS: u16 = 25;

/// The signed-in person.
#[derive(Debug, Clone)]
pub struct Me {
    /// What the platform keeps about them.
    pub person: Person,
    /// The first 25 experts for whom they act.
    pub memberships: MembershipPage,
    /// Whether they are suspended.
    pub suspension: Suspension,
}

/// The signed-in person. `token` is the access token of the request; without it, the issuer is not asked.
///
/// If the person has signed in since the issuer last described them, the issuer is asked, and its description is stored. If it does
/// not respond, the person is returned as stored, and the issuer is asked again at the next request. If it refuses the token, it
/// is asked again after an hour.
///
/// # Errors
/// [`AppError::SignInRequired`] if nobody is signed in.
pub async fn read(app: &App, actor: &Actor, token: Option<&AccessToken>) -> Result<Me, AppError> {
    let id = actor.require_person(Scope::Read)?.id();
    let (person, memberships, suspension) =
        tokio::try_join!(stored(app, id), memberships(app, id), suspension(app, id))?;
    let Some(token) = token.filter(|token| person.is_outdated(token.signed_in_at, app.now())) else {
        return Ok(Me { person, memberships, suspension });
    };
    let person = match ask_issuer(app, token).await {
        Some(answer) => keep(app, id, &answer, token).await?,
        None => person,
    };
    Ok(Me { person, memberships, suspension })
}

/// Replaces what the signed-in person chooses for themself. `if_match` is the [`Person::etag`] that they have read.
///
/// # Errors
/// [`AppError::SignInRequired`] if nobody is signed in, [`AppError::VersionMismatch`] if the person has another ETag.
pub async fn replace(
    app: &App,
    actor: &Actor,
    if_match: IfMatch,
    profile: PersonProfile,
) -> Result<Me, AppError> {
    let id = actor.require_person(Scope::Write)?.id();
    let (memberships, suspension) = tokio::try_join!(memberships(app, id), suspension(app, id))?;
    let person = app
        .transact("replace_person", || async {
            let person = stored(app, id).await?;
            check_version(if_match, person.etag)?;
            let person = person.edited(profile.clone());
            let mut transaction = Transaction::new();
            transaction.put_person(&person)?;
            Ok(Decision::Commit(transaction, person))
        })
        .await?;
    Ok(Me { person, memberships, suspension })
}

async fn stored(app: &App, id: PersonId) -> Result<Person, AppError> {
    Ok(app.store.person(id).await?.unwrap_or_else(|| Person::new(id)))
}

async fn memberships(app: &App, id: PersonId) -> Result<MembershipPage, AppError> {
    Ok(app.store.memberships(id, None, MEMBERSHIPS).await?)
}

async fn suspension(app: &App, id: PersonId) -> Result<Suspension, AppError> {
    Ok(app.store.suspension(id).await?)
}

/// What the issuer says about a person.
enum Answer {
    /// It describes them.
    Described(UserInfo),
    /// It refuses the access token.
    TokenRefused,
}

/// Asks the issuer about the person of a token; `None` if it does not describe people, fails, or describes somebody else.
///
/// A description of another subject must not be used (OpenID Connect Core, section 5.3.2).
async fn ask_issuer(app: &App, token: &AccessToken) -> Option<Answer> {
    match app.issuer.user_info(&token.token).await {
        Ok(Some(user_info)) if user_info.subject == token.subject => Some(Answer::Described(user_info)),
        Ok(Some(_)) => {
            tracing::error!(
                error = "it described another person than that of the access token",
                "{ISSUER_FAILED}"
            );
            None
        }
        Ok(None) => None,
        Err(IssuerError::TokenRefused) => Some(Answer::TokenRefused),
        Err(IssuerError::Unavailable(error)) => {
            tracing::error!(%error, "{ISSUER_FAILED}");
            None
        }
    }
}

/// Stores what the issuer says about a person, unless a concurrent request has done so.
async fn keep(app: &App, id: PersonId, answer: &Answer, token: &AccessToken) -> Result<Person, AppError> {
    app.transact("describe_person", || async {
        let (person, now) = (stored(app, id).await?, app.now());
        if !person.is_outdated(token.signed_in_at, now) {
            return Ok(Decision::Unchanged(person));
        }
        let person = match answer {
            Answer::Described(user_info) => person.described(user_info.clone(), token.signed_in_at),
            Answer::TokenRefused => {
                tracing::info!("the issuer refuses an access token; it is asked again after an hour");
                person.refused(now)
            }
        };
        let mut transaction = Transaction::new();
        transaction.put_person(&person)?;
        Ok(Decision::Commit(transaction, person))
    })
    .await
}
