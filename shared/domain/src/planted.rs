//! Mistakes that the simulation plants to prove that it finds them.
//!
//! Without the feature `planted-bugs`, which only the simulation asks for, nothing is ever planted and no trace of a mistake is
//! compiled.

/// Whether a mistake is planted: never, in whatever is not the simulation.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn planted(_: &str) -> bool {
    false
}

#[cfg(feature = "planted-bugs")]
pub use on::{plant, planted};

#[cfg(feature = "planted-bugs")]
mod on {
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<&'static str> = const { Cell::new("") };
    }

    /// Plants a mistake in this thread, in the place of the one before.
    pub fn plant(name: &'static str) {
        PLANTED.set(name);
    }

    /// Whether a mistake is planted in this thread.
    pub fn planted(name: &str) -> bool {
        PLANTED.get() == name
    }
}
