//! Ids in PayPal's forms.

use crate::random;

/// The id of an order, authorization, capture or refund: seventeen capitals and digits.
pub(super) fn transaction() -> String {
    capitals(17)
}

/// The id of an account: thirteen capitals and digits without the ones that look alike.
pub(super) fn account() -> String {
    capitals(13).replace('0', "2").replace('1', "3").replace('I', "J").replace('O', "P")
}

/// The id of an event.
pub(super) fn event() -> String {
    format!("WH-{}-{}", capitals(17), capitals(17))
}

/// The id of a dispute.
pub(super) fn dispute() -> String {
    format!("PP-R-{}-{}", capitals(3), capitals(8))
}

/// The `PayPal-Debug-Id` of a response.
pub(super) fn debug() -> String {
    random::letters(13).to_ascii_lowercase()
}

/// The id of one attempt to deliver a webhook.
pub(super) fn transmission() -> String {
    [8, 4, 4, 4, 12].map(|length| random::letters(length).to_ascii_lowercase()).join("-")
}

/// A secret of the API or of a page's address.
pub(super) fn secret() -> String {
    random::letters(48)
}

fn capitals(length: usize) -> String {
    random::letters(length).to_ascii_uppercase()
}
