//! The people who may be used for testing, and what paying with them leads to.

/// Somebody with a PayPal account who does always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestPayer {
    /// What they are called in `/_simulator/approve/{order}`, such as `good`.
    pub name: &'static str,
    /// What happens when they pay, in a few words.
    pub effect: &'static str,
    /// Their PayPal account: `payer_id` on the wire.
    pub payer_id: &'static str,
    pub(super) behaviour: Behaviour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// The money is there, always.
    Pays,
    /// The card or bank behind the account says no.
    InstrumentDeclined,
    /// PayPal says no.
    AccountRestricted,
    /// The money is there for as long as PayPal honours an authorization, and not a second longer.
    SpendsItLater,
    /// Captures are pending for [`super::ECHECK_CLEARS_AFTER`], then completed.
    EcheckClears,
    /// Captures are pending for [`super::ECHECK_CLEARS_AFTER`], then declined.
    EcheckBounces,
    /// Refunds to them are pending for as long, then completed.
    RefundsPend,
    /// Refunds to them are pending for as long, then failed.
    RefundsFail,
}

const fn payer(
    name: &'static str,
    payer_id: &'static str,
    behaviour: Behaviour,
    effect: &'static str,
) -> TestPayer {
    TestPayer { name, effect, payer_id, behaviour }
}

/// The payers the simulator knows.
pub const TEST_PAYERS: &[TestPayer] = &[
    payer("good", "GDPAYER222222", Behaviour::Pays, "Pays"),
    payer(
        "declined",
        "DCPAYER222222",
        Behaviour::InstrumentDeclined,
        "Approves, then the card is declined (INSTRUMENT_DECLINED); may approve again",
    ),
    payer(
        "restricted",
        "RSPAYER222222",
        Behaviour::AccountRestricted,
        "Approves, then PayPal refuses the account (PAYER_ACCOUNT_RESTRICTED)",
    ),
    payer(
        "spender",
        "SPPAYER222222",
        Behaviour::SpendsItLater,
        "Pays, but cannot any more after the three days an authorization is honoured (PAYER_CANNOT_PAY)",
    ),
    payer("echeck", "ECPAYER222222", Behaviour::EcheckClears, "Pays by eCheck: pending three days"),
    payer("bouncing", "ECPAYER333333", Behaviour::EcheckBounces, "Pays by an eCheck that bounces"),
    payer("slow_refund", "RFPAYER222222", Behaviour::RefundsPend, "Pays; refunds are pending three days"),
    payer("failing_refund", "RFPAYER333333", Behaviour::RefundsFail, "Pays; refunds are pending, then fail"),
];

impl TestPayer {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        TEST_PAYERS.iter().find(|payer| payer.name == name)
    }

    /// Their address, for the API's answers.
    pub(super) fn email(&self) -> String {
        format!("{}@payers.example", self.name)
    }
}

/// How the payer of that name behaves. Only names of the table are ever remembered.
pub(super) fn behaviour(name: &str) -> Behaviour {
    TestPayer::named(name).map_or(Behaviour::AccountRestricted, |payer| payer.behaviour)
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
