//! Work spread over the cores of the machine.

use std::sync::{Mutex, MutexGuard, PoisonError};

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` for each item on all cores and passes each result to `heard`, in the order of completion.
pub fn for_each_parallel<T: Send, R>(
    of: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
    heard: impl FnMut(R) + Send,
) {
    let (of, heard) = (Mutex::new(of.into_iter()), Mutex::new(heard));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = lock(&of).next();
                    let Some(one) = next else { return };
                    let done = work(one);
                    lock(&heard)(done);
                }
            });
        }
    });
}
