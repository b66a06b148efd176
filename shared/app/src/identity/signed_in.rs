//! People who are signed in, with the roles and scopes of their access token.

use domain::{ClientId, ExpertId, PersonId, Timestamp};

use crate::ports::Secret;

/// A role that the issuer gave to a person.
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
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Expert, Self::Client, Self::Admin];

    /// The role that belongs to a group of the issuer; `None` for other groups.
    pub fn from_group(name: &str) -> Option<Self> {
        match name {
            "expert" => Some(Self::Expert),
            "client" => Some(Self::Client),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// What an access token allows, whatever the roles of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// To read what the person may see.
    Read,
    /// To change what the person may change.
    Write,
}

impl Scope {
    /// The scopes of a token with full access.
    pub const FULL: &[Self] = &[Self::Read, Self::Write];
}

/// A person who is signed in.
///
/// Their ids as an expert, a client and a member are derived from issuer and subject of the access token. Whether something
/// belongs to them therefore follows from the request alone, without a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInPerson {
    bits: u128,
    roles: Vec<Role>,
    scopes: Vec<Scope>,
}

impl SignedInPerson {
    /// A person. `bits` is a digest of issuer and subject of their access token; `scopes` is what that token allows.
    pub fn new(bits: u128, roles: Vec<Role>, scopes: &[Scope]) -> Self {
        Self { bits, roles, scopes: scopes.to_vec() }
    }

    /// Whether the person has this role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the person's access token has this scope.
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Their id as a person, whatever they act as.
    pub fn id(&self) -> PersonId {
        PersonId::from_bits(self.bits)
    }

    /// Their id as an expert.
    pub fn expert_id(&self) -> ExpertId {
        ExpertId::from_bits(self.bits)
    }

    /// Their id as a client.
    pub fn client_id(&self) -> ClientId {
        ClientId::from_bits(self.bits)
    }
}

/// The access token of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token itself, to show it to the issuer.
    pub token: Secret,
    /// The subject of the token: the issuer's name for the person.
    pub subject: String,
    /// When the person signed in. If the issuer does not say so, each token counts as a sign-in at the time at which it was issued.
    pub signed_in_at: Timestamp,
}
