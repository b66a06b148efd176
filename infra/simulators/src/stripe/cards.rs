//! The test cards, and what paying with them leads to. Source: <https://docs.stripe.com/testing>.

use super::prelude::*;

/// How long after a payment or a refund a test card disputes it, or the refund changes its status, in seconds.
pub const LATER_AFTER: i64 = 60;

/// A test card, which always behaves the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCard {
    /// The number without spaces.
    pub number: &'static str,
    /// The name after `pm_card_` of its payment method.
    token: &'static str,
    pub(super) brand: &'static str,
    pub(super) country: &'static str,
    pub(super) funding: &'static str,
    challenge: Challenge,
    /// Why payments are declined, when they are.
    declines: Option<&'static str>,
    /// Setting it up is declined as payments are.
    declines_setup: bool,
    later: Later,
}

/// When the bank asks for 3-D Secure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Challenge {
    Never,
    /// When the owner is present.
    OnSession,
    /// Until the card was set up for off-session payments.
    UntilSetUp,
    Always,
}

/// What happens after a payment succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    Nothing,
    /// The owner disputes it, for this reason.
    Dispute(&'static str),
    /// Refunds are pending first, then succeed.
    PendingRefunds,
    /// Refunds succeed first, then fail.
    FailingRefunds,
}

/// What the bank is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A payment: whether the owner is present, and whether the card was set up before.
    Payment { present: bool, set_up: bool },
    /// The card is set up for later; the owner is present.
    SettingUp,
}

/// The bank's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    Declined(Failure),
    /// The cardholder must pass a challenge; then the bank approves, or declines.
    Challenge(Option<Failure>),
}

type Text = &'static str;

const fn card(number: Text, token: Text) -> TestCard {
    TestCard {
        number,
        token,
        brand: "visa",
        country: "US",
        funding: "credit",
        challenge: Challenge::Never,
        declines: None,
        declines_setup: true,
        later: Later::Nothing,
    }
}

const fn declined(number: Text, token: Text, reason: Text) -> TestCard {
    TestCard { declines: Some(reason), ..card(number, token) }
}

const fn asking(number: Text, token: Text, challenge: Challenge) -> TestCard {
    TestCard { challenge, ..card(number, token) }
}

const fn later(number: Text, token: Text, later: Later) -> TestCard {
    TestCard { later, ..card(number, token) }
}

/// The cards that the simulator knows. Any other number is declined.
pub const TEST_CARDS: &[TestCard] = &[
    card("4242424242424242", "visa"),
    TestCard { brand: "mastercard", ..card("5555555555554444", "mastercard") },
    TestCard { brand: "amex", ..card("378282246310005", "amex") },
    TestCard { country: "DE", ..card("4000002760000016", "de") },
    TestCard { funding: "debit", ..card("4000056655665556", "visa_debit") },
    asking("4000002500003155", "authenticationRequiredOnSetup", Challenge::UntilSetUp),
    asking("4000000000003220", "threeDSecure2Required", Challenge::Always),
    asking("4000002760003184", "authenticationRequired", Challenge::Always),
    asking("4000003800000446", "authenticationRequiredSetupForOffSession", Challenge::OnSession),
    TestCard {
        challenge: Challenge::Always,
        ..declined("4000008400001629", "threeDSecureRequiredChargeDeclined", "generic_decline")
    },
    TestCard {
        challenge: Challenge::UntilSetUp,
        declines_setup: false,
        ..declined(
            "4000008260003178",
            "authenticationRequiredChargeDeclinedInsufficientFunds",
            "insufficient_funds",
        )
    },
    TestCard {
        declines_setup: false,
        ..declined("4000000000000341", "chargeCustomerFail", "generic_decline")
    },
    declined("4000000000000002", "chargeDeclined", "generic_decline"),
    declined("4000000000009995", "chargeDeclinedInsufficientFunds", "insufficient_funds"),
    declined("4000000000009987", "chargeDeclinedLostCard", "lost_card"),
    declined("4000000000009979", "chargeDeclinedStolenCard", "stolen_card"),
    declined("4000000000000069", "chargeDeclinedExpiredCard", "expired_card"),
    declined("4000000000000127", "chargeDeclinedIncorrectCvc", "incorrect_cvc"),
    declined("4000000000000119", "chargeDeclinedProcessingError", "processing_error"),
    later("4000000000000259", "createDispute", Later::Dispute("fraudulent")),
    later("4000000000002685", "createDisputeProductNotReceived", Later::Dispute("product_not_received")),
    later("4000000000007726", "pendingRefund", Later::PendingRefunds),
    later("4000000000005126", "refundFail", Later::FailingRefunds),
];

impl TestCard {
    pub(super) fn find(number: &str) -> Option<&'static Self> {
        TEST_CARDS.iter().find(|card| card.number == number)
    }

    /// The card of a token such as `pm_card_visa` or `pm_card_visa_chargeDeclined`.
    pub(super) fn by_token(token: &str) -> Option<&'static Self> {
        let name = token.strip_prefix("pm_card_")?;
        let short = name.strip_prefix("visa_").unwrap_or(name);
        let short = if short == "threeDSecureRequired" { "threeDSecure2Required" } else { short };
        let named = |name: &str| TEST_CARDS.iter().find(|card| card.token == name);
        named(name).or_else(|| named(short))
    }

    /// What happens when somebody pays with it, in a few words.
    pub fn effect(&self) -> String {
        let challenge = match self.challenge {
            Challenge::Never => "",
            Challenge::OnSession => "Asks for 3-D Secure when its owner is present; ",
            Challenge::UntilSetUp => "Asks for 3-D Secure until it was set up for later payments; ",
            Challenge::Always => "Always asks for 3-D Secure, so off-session payments fail; ",
        };
        let payment = match (self.declines, self.later) {
            (Some(reason), _) => format!("payments are declined: {reason}"),
            (None, Later::Nothing) => format!("payments succeed ({} {})", self.brand, self.funding),
            (None, Later::Dispute(reason)) => format!("payments are disputed a minute later: {reason}"),
            (None, Later::PendingRefunds) => "refunds are pending for a minute, then succeed".to_owned(),
            (None, Later::FailingRefunds) => "refunds succeed, then fail a minute later".to_owned(),
        };
        let setup = if self.declines_setup { "" } else { "; it can be set up" };
        format!("{challenge}{payment}{setup}")
    }

    fn verdict(&self, occasion: Occasion) -> Verdict {
        let (asks, failure) = match occasion {
            Occasion::SettingUp => {
                (self.challenge != Challenge::Never, self.declines.filter(|_| self.declines_setup))
            }
            Occasion::Payment { present, set_up } => {
                let asks = match self.challenge {
                    Challenge::Never => false,
                    Challenge::OnSession => present,
                    Challenge::UntilSetUp => !set_up,
                    Challenge::Always => true,
                };
                (asks, self.declines)
            }
        };
        match (asks, failure.map(decline)) {
            (true, failure) => Verdict::Challenge(failure),
            (false, Some(failure)) => Verdict::Declined(failure),
            (false, None) => Verdict::Approved,
        }
    }
}

/// The last four digits.
pub(super) fn last_four(number: &str) -> &str {
    number.get(number.len().saturating_sub(4)..).unwrap_or(number)
}

/// The bank's response about a card.
pub(super) fn ask_bank(number: &str, occasion: Occasion) -> Verdict {
    match TestCard::find(number) {
        Some(card) => card.verdict(occasion),
        None => Verdict::Declined(decline("test_mode_live_card")),
    }
}

/// What happens after a charge succeeded.
pub(super) fn later_of(state: &State, charge: &Charge) -> Later {
    let method = state.payment_methods.get(&charge.payment_method);
    let card = method.and_then(|method| TestCard::find(&method.card_number));
    card.map_or(Later::Nothing, |card| card.later)
}

/// Whether a number passes the Luhn check.
pub(super) fn could_be_card(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else { return false };
    let value = |(place, digit): (usize, &u32)| match place % 2 {
        0 => *digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    };
    digits.iter().rev().enumerate().map(value).sum::<u32>().is_multiple_of(10)
}

/// The failure with a decline code. Source: <https://docs.stripe.com/declines/codes>.
pub(super) fn decline(reason: &str) -> Failure {
    let (code, decline_code, message) = match reason {
        "insufficient_funds" => ("card_declined", Some(reason), "Your card has insufficient funds."),
        "expired_card" => (reason, Some(reason), "Your card has expired."),
        "incorrect_cvc" => (reason, Some(reason), "Your card's security code is incorrect."),
        "processing_error" => {
            (reason, Some(reason), "An error occurred while processing your card. Try again in a little bit.")
        }
        "incorrect_number" => (reason, None, "Your card number is incorrect."),
        "test_mode_live_card" => (
            "card_declined",
            Some(reason),
            "Your card was declined. Your request was in test mode, but used a non test (live) card. For a \
             list of valid test cards, visit: https://docs.stripe.com/testing.",
        ),
        "authentication_required" => {
            (reason, Some(reason), "Your card was declined. This transaction requires authentication.")
        }
        "payment_intent_authentication_failure" => (
            reason,
            None,
            "We are unable to authenticate your payment method. Please choose a different payment method and \
             try again.",
        ),
        "setup_intent_authentication_failure" => (
            reason,
            None,
            "The latest attempt to set up the payment method has failed because authentication failed.",
        ),
        other => ("card_declined", Some(other), "Your card was declined."),
    };
    let decline_code = decline_code.map(str::to_owned);
    Failure { code: code.to_owned(), decline_code, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{TEST_CARDS, TestCard, could_be_card};

    #[test]
    fn every_test_card_could_be_a_card() {
        for card in TEST_CARDS {
            assert!(could_be_card(card.number), "{}", card.number);
        }
        for number in ["4242424242424241", "", "4242", "4242 4242 4242 4242"] {
            assert!(!could_be_card(number), "{number}");
        }
    }

    #[test]
    fn tokens_stand_for_cards() {
        let number = |token| TestCard::by_token(token).map(|card| card.number);
        assert_eq!(number("pm_card_visa"), Some("4242424242424242"));
        assert_eq!(number("pm_card_visa_debit"), Some("4000056655665556"));
        assert_eq!(number("pm_card_chargeDeclined"), Some("4000000000000002"));
        assert_eq!(number("pm_card_visa_chargeDeclinedInsufficientFunds"), Some("4000000000009995"));
        assert_eq!(number("pm_card_threeDSecure2Required"), Some("4000000000003220"));
        assert_eq!(number("pm_card_unheard_of"), None);
    }
}
