//! Who asks, and what is theirs.

use domain::scheduling::appointment::Appointment;
use domain::scheduling::party::Party;
use domain::{ClientId, ExpertId};

use crate::AppError;

/// A role that the issuer gave to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May offer sessions.
    Expert,
    /// May book sessions.
    Client,
    /// May see what keeps the platform running.
    Admin,
}

impl Role {
    /// The role of a group's name at the issuer.
    pub fn from_group(name: &str) -> Option<Self> {
        match name {
            "expert" => Some(Self::Expert),
            "client" => Some(Self::Client),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// Somebody who signed in.
///
/// Their ids as an expert and as a client are derived from the issuer's word for them, so that whether something is theirs
/// follows from the request alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    bits: u128,
    roles: Vec<Role>,
}

impl Person {
    /// The person of these bits, which are a digest of issuer and subject.
    pub fn new(bits: u128, roles: Vec<Role>) -> Self {
        Self { bits, roles }
    }

    /// Whether the issuer gave them this role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// What they are called when they offer sessions.
    pub fn expert_id(&self) -> ExpertId {
        ExpertId::from_bits(self.bits)
    }

    /// What they are called when they book sessions.
    pub fn client_id(&self) -> ClientId {
        ClientId::from_bits(self.bits)
    }

    /// Proof that an expert's things are theirs.
    ///
    /// # Errors
    /// When they are somebody else's, or the person is no expert.
    pub fn owner_of(&self, expert: ExpertId) -> Result<Owner, AppError> {
        if !self.has(Role::Expert) {
            Err(AppError::Forbidden("only an expert can do this"))
        } else if expert != self.expert_id() {
            Err(AppError::Forbidden("this belongs to another expert"))
        } else {
            Ok(Owner(expert))
        }
    }

    /// Which of the two people of an appointment they are, or an administrator who is neither. Who is both counts as its expert.
    ///
    /// # Errors
    /// When they are none of these: to them there is no such appointment.
    pub fn party_of(&self, appointment: &Appointment) -> Result<Party, AppError> {
        if self.has(Role::Expert) && appointment.expert == self.expert_id() {
            Ok(Party::Expert)
        } else if self.has(Role::Client) && appointment.client == self.client_id() {
            Ok(Party::Client)
        } else if self.has(Role::Admin) {
            Ok(Party::Platform)
        } else {
            Err(AppError::NotFound("appointment"))
        }
    }
}

/// Refuses everybody else what concerns the money of all.
pub(crate) fn administrator(person: &Person) -> Result<(), AppError> {
    let may = person.has(Role::Admin);
    may.then_some(()).ok_or(AppError::Forbidden("only an administrator can see the platform's money"))
}

/// Proof that an expert's things belong to who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(ExpertId);

impl Owner {
    /// AppointmentsOf things.
    pub fn expert(self) -> ExpertId {
        self.0
    }
}
