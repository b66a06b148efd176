//! Signed webhooks. Source: <https://docs.stripe.com/webhooks#verify-manually>.

use aws_lc_rs::hmac;

use super::{Shared, StripeSimulator, render};
use crate::OpenError;
use crate::webhooks::{Letter, Outbox, Teller};

/// After the first failed attempt the second follows this many seconds later, and so on; after the last the
/// delivery is given up, within three days.
pub const RETRY_AFTER: [i64; 10] = [60, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200];

/// The value of the `Stripe-Signature` header for `body` sent at `unix_seconds`: `t=…,v1=…`, where `v1` is
/// the HMAC-SHA256 of `t.body` in hexadecimal, with the whole secret as its key.
pub fn signature_header(secret: &str, unix_seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{unix_seconds}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={unix_seconds},v1={hex}")
}

impl Teller for StripeSimulator {
    const RETRY_AFTER: &'static [i64] = &RETRY_AFTER;

    fn next(&self) -> Option<Letter<'_>> {
        let mut shared = self.lock();
        // What cannot be kept is not told.
        self.pass_time(&mut shared).ok()?;
        let url = shared.webhook_url.clone()?;
        let Shared { state, switches, .. } = &mut *shared;
        let find = |id: &str| state.events.get(id);
        let (under_way, event) =
            state.webhooks.take(&self.sender, self.now(), switches.out_of_order, find)?;
        let body = render::event(state, event).to_string();
        Some(Letter { under_way, kind: event.kind.clone(), body, url })
    }

    fn headers(&self, body: &str) -> Result<Vec<(&'static str, String)>, OpenError> {
        Ok(vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("stripe-signature", signature_header(&self.config.webhook_secret, self.now(), body)),
            ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)".to_owned()),
        ])
    }

    fn change_outbox(&self, change: impl FnOnce(&mut Outbox, i64)) {
        let mut shared = self.lock();
        change(&mut shared.state.webhooks, self.now());
        if let Err(error) = self.save(&shared) {
            tracing::error!(%error, "the simulator's state was not saved");
        }
    }
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
