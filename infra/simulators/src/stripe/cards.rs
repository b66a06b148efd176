//! The cards and bank accounts that may be used for testing, and what they do. Sources:
//! <https://docs.stripe.com/testing>, <https://docs.stripe.com/payments/sepa-debit/accept-a-payment>.

use super::state::{Failure, Means};

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
    answer: Answer,
}

/// What the bank answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No(&'static str),
    /// First 3-D Secure.
    Ask(&'static str),
}

/// What paying leads to.
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

const fn card(
    number: &'static str,
    token: &'static str,
    brand: &'static str,
    answer: Answer,
    effect: &'static str,
) -> TestCard {
    TestCard { number, effect, token, brand, country: "US", funding: "credit", answer }
}

/// The cards the simulator knows. Any other number is declined.
pub const TEST_CARDS: &[TestCard] = &[
    card("4242424242424242", "visa", "visa", Answer::Yes, "Succeeds"),
    card("5555555555554444", "mastercard", "mastercard", Answer::Yes, "Succeeds (Mastercard)"),
    card("378282246310005", "amex", "amex", Answer::Yes, "Succeeds (American Express)"),
    TestCard {
        country: "DE",
        ..card("4000002760000016", "de", "visa", Answer::Yes, "Succeeds (Visa, Germany)")
    },
    TestCard {
        funding: "debit",
        ..card("4000056655665556", "visa_debit", "visa", Answer::Yes, "Succeeds (Visa debit)")
    },
    card("4000002500003155", "authenticationRequiredOnSetup", "visa", Answer::Ask(""), "Asks for 3-D Secure"),
    card("4000000000003220", "threeDSecure2Required", "visa", Answer::Ask(""), "Asks for 3-D Secure 2"),
    card("4000002760003184", "authenticationRequired", "visa", Answer::Ask(""), "Always asks for 3-D Secure"),
    card(
        "4000008400001629",
        "threeDSecureRequiredChargeDeclined",
        "visa",
        Answer::Ask("generic_decline"),
        "Asks for 3-D Secure, then is declined",
    ),
    card(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "visa",
        Answer::Ask("insufficient_funds"),
        "Asks for 3-D Secure, then has insufficient funds",
    ),
    card("4000000000000002", "chargeDeclined", "visa", Answer::No("generic_decline"), "Declined"),
    card(
        "4000000000009995",
        "chargeDeclinedInsufficientFunds",
        "visa",
        Answer::No("insufficient_funds"),
        "Declined: insufficient funds",
    ),
    card(
        "4000000000009987",
        "chargeDeclinedLostCard",
        "visa",
        Answer::No("lost_card"),
        "Declined: lost card",
    ),
    card(
        "4000000000009979",
        "chargeDeclinedStolenCard",
        "visa",
        Answer::No("stolen_card"),
        "Declined: stolen card",
    ),
    card(
        "4000000000000069",
        "chargeDeclinedExpiredCard",
        "visa",
        Answer::No("expired_card"),
        "Declined: expired card",
    ),
    card(
        "4000000000000127",
        "chargeDeclinedIncorrectCvc",
        "visa",
        Answer::No("incorrect_cvc"),
        "Declined: incorrect CVC",
    ),
    card(
        "4000000000000119",
        "chargeDeclinedProcessingError",
        "visa",
        Answer::No("processing_error"),
        "Declined: processing error",
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

/// What paying by these means leads to.
pub(super) fn course(means: &Means) -> Course {
    match means {
        Means::Card(number) => match TestCard::find(number).map(|card| card.answer) {
            Some(Answer::Yes) => Course::Approved,
            Some(Answer::No(reason)) => Course::Declined(decline(reason)),
            Some(Answer::Ask("")) => Course::Challenge(None),
            Some(Answer::Ask(reason)) => Course::Challenge(Some(decline(reason))),
            None => Course::Declined(decline("test_mode_live_card")),
        },
        Means::SepaDebit(iban) => match iban.as_str() {
            "AT861904300235473202" => Course::Later(0, Some(decline("generic_decline"))),
            "AT321904300235473204" => Course::Later(180, None),
            _ => Course::Later(0, None),
        },
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
