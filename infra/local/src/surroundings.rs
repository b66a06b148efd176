//! What pages and printed hints know of the stack around them.

use std::path::Path;
use std::sync::Arc;

use app::App;
use domain::{ClientId, ExpertId, SessionTypeId};
use serde::{Deserialize, Serialize};

use crate::bus::LocalBus;
use crate::queue::LocalQueue;
use crate::stack::{CLIENT_ID, People, SCOPE};

/// Where everything listens, without slashes at the ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The API and the pages.
    pub api: String,
    /// The sign-in service.
    pub sign_in: String,
    /// The Stripe simulator, unless real keys took it away.
    pub stripe_simulator: Option<String>,
    /// The PayPal simulator, unless real keys took it away.
    pub paypal_simulator: Option<String>,
    /// The simulator of the European Central Bank, unless a real address took it away.
    pub ecb_simulator: Option<String>,
    /// The database.
    pub database: String,
}

/// What pages know of the stack around them.
#[derive(Clone)]
pub struct Surroundings {
    /// The use cases' world.
    pub app: App,
    /// Where everything listens.
    pub addresses: Arc<Addresses>,
    /// Where things are kept; none when they are forgotten at the end.
    pub data: Option<Arc<Path>>,
    /// The effects queue.
    pub queue: Arc<LocalQueue>,
    /// The event bus.
    pub bus: Arc<LocalBus>,
}

/// A stack in words that programs read: `GET /local.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Where everything listens.
    #[serde(flatten)]
    pub addresses: Addresses,
    /// The application that people sign in to.
    pub client_id: String,
    /// The scope that a token needs.
    pub scope: String,
    /// Who can sign in.
    pub people: Vec<Somebody>,
}

/// Somebody who can sign in, and what the platform calls them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Somebody {
    /// What the sign-in service calls them.
    pub subject: String,
    /// What people call them.
    pub name: String,
    /// Their groups.
    pub groups: Vec<String>,
    /// What the platform calls them when they offer sessions.
    pub expert_id: ExpertId,
    /// What the platform calls them when they book sessions.
    pub client_id: ClientId,
}

impl Somebody {
    /// Whether they are in this group.
    pub fn is(&self, group: &str) -> bool {
        self.groups.iter().any(|known| known == group)
    }
}

/// Something that can be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// AppointmentsOf.
    pub expert: ExpertId,
    /// What.
    pub session_type: SessionTypeId,
}

impl Surroundings {
    /// Everybody who can sign in.
    pub fn people(&self) -> Vec<Somebody> {
        let known = |person: simulators::sign_in::Person| {
            let id = http_api::call::person_of(|claim| match claim {
                "iss" => Some(self.addresses.sign_in.as_str()),
                "sub" => Some(person.subject.as_str()),
                _ => None,
            })?;
            Some(Somebody {
                subject: person.subject,
                name: person.name,
                groups: person.groups,
                expert_id: id.expert_id(),
                client_id: id.client_id(),
            })
        };
        People::all().into_iter().filter_map(known).collect()
    }

    /// The stack in words that programs read.
    pub fn describe(&self) -> Description {
        Description {
            addresses: Addresses::clone(&self.addresses),
            client_id: CLIENT_ID.to_owned(),
            scope: SCOPE.to_owned(),
            people: self.people(),
        }
    }

    /// The first thing that somebody on the list offers, when somebody does.
    pub async fn offered(&self) -> Option<Offered> {
        for expert in self.people().iter().filter(|somebody| somebody.is("expert")) {
            let kinds = app::experts::session_types::list(&self.app, expert.expert_id, false)
                .await
                .unwrap_or_default();
            if let Some(kind) = kinds.first() {
                return Some(Offered { expert: expert.expert_id, session_type: kind.id });
            }
        }
        None
    }
}
