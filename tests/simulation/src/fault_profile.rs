//! The faults of a simulation. Each seed draws its own profile, because uniform rates miss rare combinations.

use crate::random::Rng;

/// The rate of each fault, per 10,000 calls or events, and the largest delays.
#[derive(Debug, Clone)]
pub struct FaultProfile {
    /// The table throttles a request.
    pub throttled: u32,
    /// A request is lost, and the caller gets a timeout.
    pub lost_request: u32,
    /// A request is processed, and its response is lost.
    pub lost_response: u32,
    /// The caller gets a timeout, and the request is processed later.
    pub delayed_request: u32,
    /// The SDK gets no response and repeats the request.
    pub sdk_retry: u32,
    /// The task crashes before or after a request is processed.
    pub crash: u32,
    /// The task freezes.
    pub freeze: u32,
    /// The gateway fails with status 500, before or after processing a request, and returns the same for its idempotency
    /// key for a day.
    pub stored_failure: u32,
    /// The largest latency of a request or a response, in milliseconds.
    pub max_latency: i64,
    /// The largest lag of an index, in milliseconds.
    pub max_index_lag: i64,
    /// The largest clock skew, in milliseconds.
    pub max_clock_skew: i64,
    /// A webhook is never sent.
    pub lost_webhook: u32,
    /// A message is delivered twice.
    pub duplicate_delivery: u32,
    /// The largest delay of a message, in milliseconds.
    pub max_delivery_delay: i64,
    /// The actor never sees the response.
    pub abandoned_request: u32,
    /// A bank declines a payment.
    pub declined_card: u32,
    /// A refund fails, hours or days later.
    pub failed_refund: u32,
    /// The gateway refuses a request for good.
    pub gateway_refusal: u32,
}

impl FaultProfile {
    /// No faults, and a latency of one millisecond.
    pub fn none() -> Self {
        Self {
            throttled: 0,
            lost_request: 0,
            lost_response: 0,
            delayed_request: 0,
            sdk_retry: 0,
            crash: 0,
            freeze: 0,
            stored_failure: 0,
            max_latency: 1,
            max_index_lag: 1,
            max_clock_skew: 0,
            lost_webhook: 0,
            duplicate_delivery: 0,
            max_delivery_delay: 1,
            abandoned_request: 0,
            declined_card: 0,
            failed_refund: 0,
            gateway_refusal: 0,
        }
    }

    /// Draws the profile of a seed: some faults never occur, some often.
    pub fn draw(rng: &mut Rng) -> Self {
        let often = |rng: &mut Rng, most: i64| {
            let most = match rng.below(4) {
                0 => 0,
                1 => most / 20,
                2 => most / 4,
                _ => most,
            };
            u32::try_from(rng.between(0, most)).unwrap_or(0)
        };
        Self {
            throttled: often(rng, 600),
            lost_request: often(rng, 300),
            lost_response: often(rng, 400),
            delayed_request: often(rng, 300),
            sdk_retry: often(rng, 400),
            crash: often(rng, 200),
            freeze: often(rng, 200),
            stored_failure: often(rng, 200),
            max_latency: *rng.pick(&[2, 20, 200, 2_000]),
            max_index_lag: *rng.pick(&[1, 50, 1_000, 10_000]),
            max_clock_skew: *rng.pick(&[0, 0, 500, 1_000]),
            lost_webhook: often(rng, 5_000),
            duplicate_delivery: often(rng, 3_000),
            max_delivery_delay: *rng.pick(&[1, 100, 10_000, 400_000]),
            abandoned_request: often(rng, 1_500),
            declined_card: often(rng, 4_000),
            failed_refund: often(rng, 3_000),
            gateway_refusal: often(rng, 1_000),
        }
    }
}
