//! The test payers, and what paying with them leads to.

/// A test payer, who always behaves the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestPayer {
    /// The name in `/_simulator/approve/{order}`, such as `good`.
    pub name: &'static str,
    /// What happens when they pay, in a few words.
    pub effect: &'static str,
    /// Their PayPal account: `payer_id` on the wire.
    pub payer_id: &'static str,
    pub(super) behavior: Behavior,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behavior {
    Pays,
    /// The card or bank behind the account declines.
    InstrumentDeclined,
    /// PayPal refuses the account.
    AccountRestricted,
    /// There is money for as long as PayPal honors an authorization, and no longer.
    SpendsItLater,
    /// Captures are pending for [`super::ECHECK_CLEARS_AFTER`], then completed.
    EcheckClears,
    /// Captures are pending for [`super::ECHECK_CLEARS_AFTER`], then declined.
    EcheckBounces,
    /// PayPal reviews captures for as long, then completes them.
    ReviewPasses,
    /// PayPal reviews captures for as long, then declines them.
    ReviewFails,
    /// Refunds are pending for as long, then completed.
    RefundsPend,
    /// Refunds are pending for as long, then failed.
    RefundsFail,
}

type Text = &'static str;

const fn payer(name: Text, payer_id: Text, behavior: Behavior, effect: Text) -> TestPayer {
    TestPayer { name, effect, payer_id, behavior }
}

/// The payers that the simulator knows.
pub const TEST_PAYERS: &[TestPayer] = &[
    payer("good", "GDPAYER222222", Behavior::Pays, "Pays"),
    payer(
        "declined",
        "DCPAYER222222",
        Behavior::InstrumentDeclined,
        "INSTRUMENT_DECLINED; may approve again",
    ),
    payer("restricted", "RSPAYER222222", Behavior::AccountRestricted, "PAYER_ACCOUNT_RESTRICTED"),
    payer("spender", "SPPAYER222222", Behavior::SpendsItLater, "Pays; PAYER_CANNOT_PAY after three days"),
    payer("echeck", "ECPAYER222222", Behavior::EcheckClears, "Pays by eCheck: pending three days"),
    payer("bouncing", "ECPAYER333333", Behavior::EcheckBounces, "Pays by an eCheck that bounces"),
    payer("reviewed", "RVPAYER222222", Behavior::ReviewPasses, "Pays; PayPal reviews it for three days"),
    payer("rejected", "RVPAYER333333", Behavior::ReviewFails, "Pays; PayPal reviews it, then declines"),
    payer("slow_refund", "RFPAYER222222", Behavior::RefundsPend, "Pays; refunds are pending three days"),
    payer("failing_refund", "RFPAYER333333", Behavior::RefundsFail, "Pays; refunds are pending, then fail"),
];

impl TestPayer {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        TEST_PAYERS.iter().find(|payer| payer.name == name)
    }

    pub(super) fn pays_by_echeck(&self) -> bool {
        matches!(self.behavior, Behavior::EcheckClears | Behavior::EcheckBounces)
    }

    /// Why captures are pending at first; `None` if they are completed at once.
    pub(super) fn pending_reason(&self) -> Option<&'static str> {
        match self.behavior {
            Behavior::EcheckClears | Behavior::EcheckBounces => Some("ECHECK"),
            Behavior::ReviewPasses | Behavior::ReviewFails => Some("PENDING_REVIEW"),
            _ => None,
        }
    }

    /// The payer's e-mail address.
    pub(super) fn email(&self) -> String {
        format!("{}@payers.example", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::TEST_PAYERS;

    #[test]
    fn payers_have_accounts_of_their_own_in_paypals_form() {
        for payer in TEST_PAYERS {
            let allowed = |letter: char| "23456789ABCDEFGHJKLMNPQRSTUVWXYZ".contains(letter);
            assert!(payer.payer_id.len() == 13 && payer.payer_id.chars().all(allowed), "{}", payer.payer_id);
            let same =
                |other: &&super::TestPayer| other.name == payer.name || other.payer_id == payer.payer_id;
            assert_eq!(TEST_PAYERS.iter().filter(same).count(), 1, "{}", payer.name);
        }
    }
}
