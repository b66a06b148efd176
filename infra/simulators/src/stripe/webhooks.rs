//! Signed webhooks. Source: <https://docs.stripe.com/webhooks#verify-manually>.

use aws_lc_rs::hmac;

use crate::idempotency::hex;

/// The seconds from each failed attempt to the next: 10 retries within three days.
pub const RETRY_AFTER: [i64; 10] = [60, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200];

/// The value of the `Stripe-Signature` header for `body` sent at `unix_seconds`: `t=…,v1=…`, where `v1` is
/// the HMAC-SHA256 of `t.body` in hexadecimal, with the whole secret as its key.
pub fn signature_header(secret: &str, unix_seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{unix_seconds}.{body}").as_bytes());
    format!("t={unix_seconds},v1={}", hex(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::signature_header;

    #[test]
    fn the_signature_is_the_one_stripes_own_library_accepts() {
        let body = "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"payment_intent.succeeded\",\
                    \"data\":{\"object\":{\"id\":\"pi_1\",\"object\":\"payment_intent\"}}}";
        assert_eq!(
            signature_header("whsec_test_secret", 1_700_000_000, body),
            "t=1700000000,v1=ad449e7ce1554730d147003402b7abd98e37b986a9e657b6868110fd854cf5d3"
        );
    }
}
