//! Keys and certificates as text. Source: <https://www.rfc-editor.org/rfc/rfc7468>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes of something that is called so, such as `CERTIFICATE`.
pub(crate) fn pem(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
