//! Telling whether two requests are the same.

use aws_lc_rs::digest::{Context, SHA256};

/// A hash of the parts of a request. Each part comes with its length, so that no part can pass for two.
pub(crate) fn fingerprint(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.as_ref().len().to_be_bytes());
        context.update(part.as_ref());
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
