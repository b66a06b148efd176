//! Members of an expert: people who act for the expert, such as an assistant or an agency.

use serde::{Deserialize, Serialize};

/// What a member may do for an expert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Manages the profile, the availability, the session types and the appointments.
    Assistant,
    /// Does what an assistant does, and also sees and manages the expert's money: earnings, ledger, billing details, receipts,
    /// refunds and charges.
    Manager,
}

/// A right to act for an expert. The expert has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To manage the profile, the availability, the session types and the appointments.
    Schedule,
    /// To see earnings, ledger and receipts, to change billing details, and to reduce what clients pay.
    Money,
    /// To manage members and payment accounts, which only the expert may: a member could otherwise extend their own rights, or
    /// direct the expert's money to another account.
    Account,
}

impl MemberRole {
    /// Whether a member with this role has a right.
    pub fn has(self, right: Right) -> bool {
        match right {
            Right::Schedule => true,
            Right::Money => self == Self::Manager,
            Right::Account => false,
        }
    }
}
