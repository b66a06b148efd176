//! Ids as PayPal makes them.

use crate::random;

/// Of an order, authorization, capture or refund: seventeen capitals and digits.
pub(super) fn transaction() -> String {
    capitals(17)
}

/// Of somebody's account: thirteen of the letters nobody confuses.
pub(super) fn account() -> String {
    let plain = |letter: char| match letter {
        '0' => '2',
        '1' => '3',
        'I' => 'J',
        'O' => 'P',
        other => other,
    };
    capitals(13).chars().map(plain).collect()
}

/// Of an event.
pub(super) fn event() -> String {
    format!("WH-{}-{}", capitals(17), capitals(17))
}

/// Of a dispute.
pub(super) fn dispute() -> String {
    format!("PP-R-{}-{}", capitals(3), capitals(8))
}

/// For PayPal's support, in each answer.
pub(super) fn debug() -> String {
    random::letters(13).to_ascii_lowercase()
}

/// Of the sending of a webhook.
pub(super) fn transmission() -> String {
    let letters = random::letters(32).to_ascii_lowercase();
    let part = |from: usize, to: usize| letters.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// A secret of the API or of a page's address.
pub(super) fn secret() -> String {
    random::letters(48)
}

fn capitals(length: usize) -> String {
    random::letters(length).to_ascii_uppercase()
}
