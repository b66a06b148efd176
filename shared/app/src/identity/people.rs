//! The person who sends a request, and what belongs to them.

use domain::scheduling::appointment::Appointment;
use domain::scheduling::party::Party;
use domain::{ClientId, ExpertId};

use crate::AppError;

/// A role that the identity provider gave to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Can offer sessions.
    Expert,
    /// Can book sessions.
    Client,
    /// Runs the platform.
    Admin,
}

impl Role {
    /// The role that belongs to a group of the identity provider; `None` for other groups.
    pub fn from_group(name: &str) -> Option<Self> {
        match name {
            "expert" => Some(Self::Expert),
            "client" => Some(Self::Client),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// A person who is signed in.
///
/// Their expert id and client id are derived from issuer and subject of the access token. Whether something belongs to them
/// therefore follows from the request alone, without a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    bits: u128,
    roles: Vec<Role>,
}

impl Person {
    /// A person. `bits` is a digest of issuer and subject of their access token.
    pub fn new(bits: u128, roles: Vec<Role>) -> Self {
        Self { bits, roles }
    }

    /// Whether the person has this role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Their id as an expert.
    pub fn expert_id(&self) -> ExpertId {
        ExpertId::from_bits(self.bits)
    }

    /// Their id as a client.
    pub fn client_id(&self) -> ClientId {
        ClientId::from_bits(self.bits)
    }

    /// Proof that this expert's data belongs to the person.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] if the person is another expert or not an expert.
    pub fn owner_of(&self, expert: ExpertId) -> Result<Owner, AppError> {
        if !self.has(Role::Expert) {
            Err(AppError::Forbidden("only an expert can do this"))
        } else if expert != self.expert_id() {
            Err(AppError::Forbidden("this belongs to another expert"))
        } else {
            Ok(Owner(expert))
        }
    }

    /// The person's side in an appointment: its expert, its client, or the platform for an administrator who is neither. A person
    /// who is both expert and client of an appointment acts as its expert.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for all others, who must not learn that the appointment exists.
    pub fn party_of(&self, appointment: &Appointment) -> Result<Party, AppError> {
        self.side_of(appointment.expert, appointment.client).ok_or(AppError::NotFound("appointment"))
    }

    /// The person's side in a matter between an expert and a client; `None` for all others. See [`party_of`](Self::party_of).
    pub(crate) fn side_of(&self, expert: ExpertId, client: ClientId) -> Option<Party> {
        let (is_expert, is_client) = (expert == self.expert_id(), client == self.client_id());
        if self.has(Role::Expert) && is_expert {
            Some(Party::Expert)
        } else if self.has(Role::Client) && is_client {
            Some(Party::Client)
        } else if self.has(Role::Admin) && !is_expert && !is_client {
            Some(Party::Platform)
        } else {
            None
        }
    }
}

/// Requires the role of an administrator, for data about all of the platform's money.
///
/// # Errors
/// [`AppError::Forbidden`] for all others.
pub(crate) fn require_admin(person: &Person) -> Result<(), AppError> {
    if person.has(Role::Admin) {
        Ok(())
    } else {
        Err(AppError::Forbidden("only an administrator can see the platform's money"))
    }
}

/// Proof that an expert's data belongs to the person who sends the request. Only [`Person::owner_of`] creates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(ExpertId);

impl Owner {
    /// The expert.
    pub fn expert(self) -> ExpertId {
        self.0
    }
}
