//! Values nobody can guess.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` letters and digits.
pub(crate) fn letters(length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while text.len() < length {
        fill(&mut bytes);
        // 248 is the largest multiple of 62 in a byte: the bytes above it would favour the first letters.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| usize::from(*byte) % ALPHABET.len());
        text.extend(
            fair.take(length - text.len()).filter_map(|index| ALPHABET.get(index)).map(|l| *l as char),
        );
    }
    text
}

/// 32 random bytes in base64url.
pub(crate) fn secret() -> String {
    let mut bytes = [0_u8; 32];
    fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn fill(bytes: &mut [u8]) {
    // The library documents that this fails only when the operating system has no entropy, which it never
    // reports after boot. Going on with zeros would hand out guessable secrets, so this waits for it instead.
    while rand::fill(bytes).is_err() {
        std::thread::yield_now();
    }
}
