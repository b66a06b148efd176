//! Functions of arbitrary bytes that panic if a property does not hold.

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

/// A target with its corpus.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of the target.
    pub name: &'static str,
    /// Runs the target with one input. Panics if a property does not hold.
    pub run: fn(&[u8]),
    /// The inputs to mutate, which reach deep into the code.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// Whether an input runs against a whole platform, which takes a thousand times as long.
    pub uses_platform: bool,
}

const fn without_platform(name: &'static str, run: fn(&[u8]), corpus: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, corpus, uses_platform: false }
}

const fn with_platform(name: &'static str, run: fn(&[u8]), corpus: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, corpus, uses_platform: true }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    without_platform("values", values, values::corpus),
    without_platform("documents", documents, documents::corpus),
    without_platform("headers", headers, headers::corpus),
    without_platform("claims", claims, headers::corpus_of_claims),
    without_platform("rates", rates, rates::corpus),
    with_platform("forms", forms, forms::corpus),
    with_platform("stripe_webhook", stripe_webhook, webhooks::corpus_of_stripe),
    with_platform("paypal_webhook", paypal_webhook, webhooks::corpus_of_paypal),
    with_platform("requests", requests, requests::corpus),
];

impl Target {
    /// The input of a seed: a mutated element of the corpus.
    pub fn input(&self, corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
        let mut random = SeededRandom::new(seed);
        let mut bytes = random.choose(corpus).clone();
        mutate(&mut bytes, corpus, &mut random);
        bytes
    }
}

/// A system under test for each thread. It is replaced from time to time, because its data grows with each input.
struct SystemSlot<S>(RefCell<Option<System<S>>>);

struct System<S> {
    inner: S,
    runtime: tokio::runtime::Runtime,
    left: usize,
}

impl<S> Default for SystemSlot<S> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

fn with_system<S, T>(
    slot: &'static LocalKey<SystemSlot<S>>,
    open: impl AsyncFnOnce() -> S,
    run: impl AsyncFnOnce(&S) -> T,
) -> T {
    /// The number of inputs for one system.
    const INPUTS_PER_SYSTEM: usize = 5_000;

    slot.with(|slot| {
        let mut system = slot.0.borrow_mut();
        if system.as_ref().is_none_or(|system| system.left == 0) {
            drop(system.take());
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let inner = runtime.block_on(open());
            *system = Some(System { inner, runtime, left: INPUTS_PER_SYSTEM });
        }
        let System { inner, runtime, left } = system.as_mut().expect("a system");
        *left -= 1;
        runtime.block_on(run(inner))
    })
}

/// Runs a function with the populated test platform of this thread.
fn on_platform<T>(run: impl AsyncFnOnce(&TestPlatform) -> T) -> T {
    thread_local!(static SLOT: SystemSlot<TestPlatform> = SystemSlot::default());

    with_system(&SLOT, TestPlatform::new, run)
}
