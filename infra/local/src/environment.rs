//! Where everything listens and who can sign in, for the pages, the printed hints and `/local.json`.

use std::path::Path;
use std::sync::Arc;

use app::identity::Actor;
use app::{App, AppError};
use domain::{ClientId, ExpertId, Money, SessionTypeId};
use serde::{Deserialize, Serialize};

use crate::bus::LocalBus;
use crate::queue::LocalQueues;
use crate::stack::{CLIENT_ID, People, SCOPE};

/// The addresses of a running stack, without trailing slashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The API and the pages.
    pub api: String,
    /// The sign-in service.
    pub sign_in: String,
    /// The Stripe simulator; `None` if the stack uses Stripe itself.
    pub stripe_simulator: Option<String>,
    /// The PayPal simulator; `None` if the stack uses PayPal itself.
    pub paypal_simulator: Option<String>,
    /// The simulator of the European Central Bank; `None` if the stack reads real exchange rates.
    pub ecb_simulator: Option<String>,
    /// The database.
    pub database: String,
}

/// What the pages read.
#[derive(Clone)]
pub struct Environment {
    /// The ports of the use cases.
    pub app: App,
    /// Where everything listens.
    pub addresses: Arc<Addresses>,
    /// The data folder; `None` if everything is in memory.
    pub data: Option<Arc<Path>>,
    /// The queues of jobs.
    pub queues: Arc<LocalQueues>,
    /// The event bus.
    pub bus: Arc<LocalBus>,
}

/// The document `GET /local.json`, which describes a stack to programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Where everything listens.
    #[serde(flatten)]
    pub addresses: Addresses,
    /// The client id of the application that people sign in to.
    pub client_id: String,
    /// The scope that an access token needs.
    pub scope: String,
    /// The people who can sign in.
    pub people: Vec<DemoUser>,
}

/// A person who can sign in, with the ids that the platform derives from their token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoUser {
    /// The subject of their tokens.
    pub subject: String,
    /// Their name.
    pub name: String,
    /// The groups in their tokens, which become their roles.
    pub groups: Vec<String>,
    /// Their id as an expert.
    pub expert_id: ExpertId,
    /// Their id as a client.
    pub client_id: ClientId,
}

impl DemoUser {
    /// Whether the person is in this group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|known| known == group)
    }
}

/// A session type that can be booked, with its expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The expert.
    pub expert: ExpertId,
    /// The session type.
    pub session_type: SessionTypeId,
    /// Its first duration, in minutes.
    pub duration_minutes: u16,
    /// The price of this duration; `None` if it has none that can be charged now.
    pub price: Option<Money>,
}

impl Environment {
    /// The people who can sign in.
    pub fn people(&self) -> Vec<DemoUser> {
        let user = |person: simulators::sign_in::Person| {
            let bits = http_api::claims::id_bits(&self.addresses.sign_in, &person.subject);
            DemoUser {
                subject: person.subject,
                name: person.name,
                groups: person.groups,
                expert_id: ExpertId::from_bits(bits),
                client_id: ClientId::from_bits(bits),
            }
        };
        People::all().into_iter().map(user).collect()
    }

    /// The document of `/local.json`.
    pub fn describe(&self) -> Description {
        Description {
            addresses: Addresses::clone(&self.addresses),
            client_id: CLIENT_ID.to_owned(),
            scope: SCOPE.to_owned(),
            people: self.people(),
        }
    }

    /// The first session type that one of the [`Self::people`] offers; `None` if nobody offers one.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub async fn first_offer(&self) -> Result<Option<Offer>, AppError> {
        for expert in self.people().iter().filter(|user| user.is_in("expert")) {
            let expert = expert.expert_id;
            let listed = app::experts::session_types::list(&self.app, &Actor::Anonymous, expert, false).await;
            let session_types = match listed {
                Ok(listed) => listed.session_types,
                // The expert has no profile, or it is a draft.
                Err(AppError::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            let offer = session_types.into_iter().find_map(|priced| {
                let session_type = priced.session_type.id;
                let terms = &priced.session_type.terms;
                let duration = terms.durations.first()?;
                let price = terms.price(*duration, priced.hourly_rate).ok();
                Some(Offer { expert, session_type, duration_minutes: duration.minutes, price })
            });
            if offer.is_some() {
                return Ok(offer);
            }
        }
        Ok(None)
    }
}
