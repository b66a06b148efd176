//! What goes wrong with API calls on purpose.

/// What happens to one API call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    RateLimit,
    FailBefore,
    FailForGood,
    FailAfter,
    LoseAnswer,
}

impl Fault {
    /// Uses up one call of the first counter that has any left.
    pub(crate) fn take(counters: [(&mut u32, Self); 4]) -> Option<Self> {
        counters.into_iter().find_map(|(counter, fault)| use_up(counter).then_some(fault))
    }
}

/// Counts one call down; `false` when none is left.
pub(crate) fn use_up(counter: &mut u32) -> bool {
    let rest = counter.checked_sub(1);
    *counter = rest.unwrap_or(0);
    rest.is_some()
}
