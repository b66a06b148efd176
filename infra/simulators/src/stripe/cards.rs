//! The cards and bank accounts that may be used for testing, and what they do. Sources:
//! <https://docs.stripe.com/testing>, <https://docs.stripe.com/payments/sepa-debit/accept-a-payment>.

use super::state::{Failure, Means};

/// How long after a payment, or a refund, comes what its card does later, in seconds: the dispute, or the
/// end of the refund.
pub const LATER_AFTER: i64 = 60;

/// A card number that does always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCard {
    /// The number without spaces.
    pub number: &'static str,
    /// What happens when somebody pays with it, in a few words.
    pub effect: &'static str,
    /// The name after `pm_card_` of the payment method that stands for it.
    token: &'static str,
    brand: &'static str,
    country: &'static str,
    funding: &'static str,
    asks: Asks,
    /// Why payments are declined, when they are.
    declines: Option<&'static str>,
    /// Setting it up is declined as payments are.
    declines_setup: bool,
    later: Later,
}

/// When the bank wants 3-D Secure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Never,
    /// When its owner is there to answer.
    OnSession,
    /// Until it was set up for payments without its owner.
    UntilSetUp,
    Always,
}

/// What comes of a payment after it succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    Nothing,
    /// Its owner disputes it, for this reason.
    Dispute(&'static str),
    /// Refunds are pending at first, and succeed.
    PendingRefunds,
    /// Refunds succeed at first, and fail.
    FailingRefunds,
}

/// On what occasion the bank is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A payment. `present` tells whether the card's owner is there, `set_up` whether it was set up before.
    Payment { present: bool, set_up: bool },
    /// The card is set up for later; its owner is there.
    SettingUp,
}

/// What asking the bank leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Course {
    /// The bank agrees at once.
    Approved,
    /// The bank refuses at once.
    Declined(Failure),
    /// The guest has to prove who they are; then it is approved, or refused.
    Challenge(Option<Failure>),
    /// The bank answers after so many seconds: it agrees, or refuses.
    Later(i64, Option<Failure>),
}

const fn card(number: &'static str, token: &'static str, effect: &'static str) -> TestCard {
    TestCard {
        number,
        effect,
        token,
        brand: "visa",
        country: "US",
        funding: "credit",
        asks: Asks::Never,
        declines: None,
        declines_setup: true,
        later: Later::Nothing,
    }
}

const fn declined(
    number: &'static str,
    token: &'static str,
    reason: &'static str,
    effect: &'static str,
) -> TestCard {
    TestCard { declines: Some(reason), ..card(number, token, effect) }
}

const fn asking(number: &'static str, token: &'static str, asks: Asks, effect: &'static str) -> TestCard {
    TestCard { asks, ..card(number, token, effect) }
}

const fn later(number: &'static str, token: &'static str, later: Later, effect: &'static str) -> TestCard {
    TestCard { later, ..card(number, token, effect) }
}

/// The cards the simulator knows. Any other number is declined.
pub const TEST_CARDS: &[TestCard] = &[
    card("4242424242424242", "visa", "Succeeds"),
    TestCard { brand: "mastercard", ..card("5555555555554444", "mastercard", "Succeeds (Mastercard)") },
    TestCard { brand: "amex", ..card("378282246310005", "amex", "Succeeds (American Express)") },
    TestCard { country: "DE", ..card("4000002760000016", "de", "Succeeds (Visa, Germany)") },
    TestCard { funding: "debit", ..card("4000056655665556", "visa_debit", "Succeeds (Visa debit)") },
    asking(
        "4000002500003155",
        "authenticationRequiredOnSetup",
        Asks::UntilSetUp,
        "Asks for 3-D Secure until it was set up for later payments",
    ),
    asking("4000000000003220", "threeDSecure2Required", Asks::Always, "Asks for 3-D Secure 2"),
    asking(
        "4000002760003184",
        "authenticationRequired",
        Asks::Always,
        "Always asks for 3-D Secure, also when it was set up: payments without its owner fail",
    ),
    asking(
        "4000003800000446",
        "authenticationRequiredSetupForOffSession",
        Asks::OnSession,
        "Asks for 3-D Secure when its owner is there, and never without them",
    ),
    TestCard {
        asks: Asks::Always,
        ..declined(
            "4000008400001629",
            "threeDSecureRequiredChargeDeclined",
            "generic_decline",
            "Asks for 3-D Secure, then is declined",
        )
    },
    TestCard {
        asks: Asks::UntilSetUp,
        declines_setup: false,
        ..declined(
            "4000008260003178",
            "authenticationRequiredChargeDeclinedInsufficientFunds",
            "insufficient_funds",
            "Asks for 3-D Secure and can be set up; every payment has insufficient funds",
        )
    },
    TestCard {
        declines_setup: false,
        ..declined(
            "4000000000000341",
            "chargeCustomerFail",
            "generic_decline",
            "Can be set up; every payment is declined",
        )
    },
    declined("4000000000000002", "chargeDeclined", "generic_decline", "Declined"),
    declined(
        "4000000000009995",
        "chargeDeclinedInsufficientFunds",
        "insufficient_funds",
        "Declined: insufficient funds",
    ),
    declined("4000000000009987", "chargeDeclinedLostCard", "lost_card", "Declined: lost card"),
    declined("4000000000009979", "chargeDeclinedStolenCard", "stolen_card", "Declined: stolen card"),
    declined("4000000000000069", "chargeDeclinedExpiredCard", "expired_card", "Declined: expired card"),
    declined("4000000000000127", "chargeDeclinedIncorrectCvc", "incorrect_cvc", "Declined: incorrect CVC"),
    declined(
        "4000000000000119",
        "chargeDeclinedProcessingError",
        "processing_error",
        "Declined: processing error",
    ),
    later(
        "4000000000000259",
        "createDispute",
        Later::Dispute("fraudulent"),
        "Succeeds, and is disputed as fraudulent a minute later",
    ),
    later(
        "4000000000002685",
        "createDisputeProductNotReceived",
        Later::Dispute("product_not_received"),
        "Succeeds, and is disputed as not received a minute later",
    ),
    later(
        "4000000000007726",
        "pendingRefund",
        Later::PendingRefunds,
        "Succeeds; refunds are pending for a minute, then succeed",
    ),
    later(
        "4000000000005126",
        "refundFail",
        Later::FailingRefunds,
        "Succeeds; refunds succeed, and fail a minute later",
    ),
];

/// The bank accounts the simulator knows: two that pay at once, one that pays after three minutes, one that
/// bounces.
pub(super) const TEST_IBANS: &[&str] =
    &["AT611904300234573201", "DE89370400440532013000", "AT321904300235473204", "AT861904300235473202"];

impl TestCard {
    pub(super) fn find(number: &str) -> Option<&'static Self> {
        TEST_CARDS.iter().find(|card| card.number == number)
    }

    /// The card behind a token such as `pm_card_visa` or `pm_card_visa_chargeDeclined`.
    pub(super) fn by_token(token: &str) -> Option<&'static Self> {
        let name = token.strip_prefix("pm_card_")?;
        let short = name.strip_prefix("visa_").unwrap_or(name);
        let short = if short == "threeDSecureRequired" { "threeDSecure2Required" } else { short };
        TEST_CARDS
            .iter()
            .find(|card| card.token == name)
            .or_else(|| TEST_CARDS.iter().find(|card| card.token == short))
    }

    fn course(&self, occasion: Occasion) -> Course {
        let (asks, failure) = match occasion {
            Occasion::SettingUp => (self.asks != Asks::Never, self.declines.filter(|_| self.declines_setup)),
            Occasion::Payment { present, set_up } => {
                let asks = match self.asks {
                    Asks::Never => false,
                    Asks::OnSession => present,
                    Asks::UntilSetUp => !set_up,
                    Asks::Always => true,
                };
                (asks, self.declines)
            }
        };
        match (asks, failure.map(decline)) {
            (true, failure) => Course::Challenge(failure),
            (false, Some(failure)) => Course::Declined(failure),
            (false, None) => Course::Approved,
        }
    }

    pub(super) fn brand(&self) -> &'static str {
        self.brand
    }

    pub(super) fn country(&self) -> &'static str {
        self.country
    }

    pub(super) fn funding(&self) -> &'static str {
        self.funding
    }
}

/// The last four digits.
pub(super) fn last_four(number: &str) -> &str {
    number.get(number.len().saturating_sub(4)..).unwrap_or(number)
}

/// What asking the bank on this occasion leads to.
pub(super) fn course(means: &Means, occasion: Occasion) -> Course {
    match means {
        Means::Card(number) => match TestCard::find(number) {
            Some(card) => card.course(occasion),
            None => Course::Declined(decline("test_mode_live_card")),
        },
        Means::SepaDebit(iban) => match iban.as_str() {
            "AT861904300235473202" => Course::Later(0, Some(decline("generic_decline"))),
            "AT321904300235473204" => Course::Later(180, None),
            _ => Course::Later(0, None),
        },
    }
}

/// What comes of payments by these means after they succeeded.
pub(super) fn later_of(means: &Means) -> Later {
    match means {
        Means::Card(number) => TestCard::find(number).map_or(Later::Nothing, |card| card.later),
        Means::SepaDebit(_) => Later::Nothing,
    }
}

/// The brand of a card that is known.
pub(super) fn brand(means: &Means) -> Option<&'static str> {
    match means {
        Means::Card(number) => TestCard::find(number).map(TestCard::brand),
        Means::SepaDebit(_) => None,
    }
}

/// Whether a number has the right digits to be one of a card (the Luhn check).
pub(super) fn could_be_card(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else { return false };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The failure for a decline code. Source: <https://docs.stripe.com/declines/codes>.
pub(super) fn decline(reason: &str) -> Failure {
    let (code, decline_code, message) = match reason {
        "insufficient_funds" => ("card_declined", Some(reason), "Your card has insufficient funds."),
        "expired_card" => ("expired_card", Some(reason), "Your card has expired."),
        "incorrect_cvc" => ("incorrect_cvc", Some(reason), "Your card's security code is incorrect."),
        "processing_error" => (
            "processing_error",
            Some(reason),
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        "incorrect_number" => ("incorrect_number", None, "Your card number is incorrect."),
        "test_mode_live_card" => (
            "card_declined",
            Some(reason),
            "Your card was declined. Your request was in test mode, but used a non test (live) card. For a \
             list of valid test cards, visit: https://docs.stripe.com/testing.",
        ),
        "authentication_required" => (
            "authentication_required",
            Some(reason),
            "Your card was declined. This transaction requires authentication.",
        ),
        "authentication_failure" => (
            "payment_intent_authentication_failure",
            None,
            "We are unable to authenticate your payment method. Please choose a different payment method and \
             try again.",
        ),
        "setup_authentication_failure" => (
            "setup_intent_authentication_failure",
            None,
            "The latest attempt to set up the payment method has failed because authentication failed.",
        ),
        other => ("card_declined", Some(other), "Your card was declined."),
    };
    Failure {
        code: code.to_owned(),
        decline_code: decline_code.map(str::to_owned),
        message: message.to_owned(),
    }
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
