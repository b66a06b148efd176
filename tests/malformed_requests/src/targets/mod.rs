//! What is done with arbitrary bytes. Each target panics when something does not hold of them.

mod documents;
mod forms;
mod headers;
mod rates;
mod requests;
mod values;
mod webhooks;

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::TestPlatform;
use crate::random::{SeededRandom, mutate};

pub use documents::documents;
pub use forms::forms;
pub use headers::{claims, headers};
pub use rates::rates;
pub use requests::requests;
pub use values::values;
pub use webhooks::{paypal_webhook, stripe_webhook};

/// A target, and what to begin with.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// The target.
    pub run: fn(&[u8]),
    /// Bytes that lead deep into it, from which small changes are made.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// Whether it asks a whole platform; then an input takes a thousand times as long.
    pub uses_platform: bool,
}

const fn alone(name: &'static str, run: fn(&[u8]), corpus: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, corpus, uses_platform: false }
}

const fn whole(name: &'static str, run: fn(&[u8]), corpus: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, corpus, uses_platform: true }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    alone("values", values, values::corpus),
    alone("documents", documents, documents::corpus),
    alone("headers", headers, headers::corpus),
    alone("claims", claims, headers::corpus_of_claims),
    alone("rates", rates, rates::corpus),
    whole("forms", forms, forms::corpus),
    whole("stripe_webhook", stripe_webhook, webhooks::corpus_of_stripe),
    whole("paypal_webhook", paypal_webhook, webhooks::corpus_of_paypal),
    whole("requests", requests, requests::corpus),
];

impl Target {
    /// The input of a seed: something of the corpus, changed.
    pub fn input(&self, corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
        let mut random = SeededRandom::new(seed);
        let mut bytes = random.choose(corpus).clone();
        mutate(&mut bytes, corpus, &mut random);
        bytes
    }
}

/// What inputs are sent to, one for each thread. It is made anew from time to time so that it does not grow for ever.
struct Stage<S>(RefCell<Option<Set<S>>>);

struct Set<S> {
    platform: S,
    runtime: tokio::runtime::Runtime,
    left: usize,
}

impl<S> Default for Stage<S> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

fn on_stage<S, T>(
    stage: &'static LocalKey<Stage<S>>,
    open: impl AsyncFnOnce() -> S,
    act: impl AsyncFnOnce(&S) -> T,
) -> T {
    /// How many inputs one of them sees.
    const LONGEST: usize = 5_000;

    stage.with(|stage| {
        let mut set = stage.0.borrow_mut();
        if set.as_ref().is_none_or(|set| set.left == 0) {
            drop(set.take());
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let platform = runtime.block_on(open());
            *set = Some(Set { platform, runtime, left: LONGEST });
        }
        let Set { platform, runtime, left } = set.as_mut().expect("it was made");
        *left -= 1;
        runtime.block_on(act(platform))
    })
}

/// The same on a platform with something to lose.
fn on_platform<T>(act: impl AsyncFnOnce(&TestPlatform) -> T) -> T {
    thread_local!(static STAGE: Stage<TestPlatform> = Stage::default());

    on_stage(&STAGE, TestPlatform::new, act)
}
