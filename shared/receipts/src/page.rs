//! A receipt as a web page, for screens and for printing, without scripts.

use domain::receipts::receipt::Receipt;
use maud::{DOCTYPE, PreEscaped, html};

use crate::sheet::Sheet;

const STYLE: &str = "\
:root{color-scheme:light}\
body{margin:0;background:#fff;color:#1b1d22;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
main{max-width:40rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}\
h2{font-size:.85rem;font-weight:400;color:#565c68;margin:1.25rem 0 0}\
p{margin:0}\
dl{display:grid;grid-template-columns:minmax(8rem,auto) 1fr;gap:.1rem 1rem;margin:1.25rem 0}\
dt{color:#565c68}\
dd{margin:0}\
table{width:100%;border-collapse:collapse;margin:1.25rem 0}\
th,td{padding:.4rem 0;border-top:1px solid #d5d9e0;text-align:left;font-weight:400;vertical-align:top}\
td:last-child{text-align:right;white-space:nowrap;padding-left:1rem}\
tfoot th,tfoot td{border-top:2px solid #1b1d22;font-weight:700}\
@page{margin:20mm}\
@media print{main{max-width:none;padding:0}}";

/// The value of the header `Content-Security-Policy` with which the page must be sent. It allows no loading and no scripts. The
/// only style allowed is the page's own, identified by its SHA-256.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-jN0GGf/acifdbkpPOYyhVkcR8EHYoJyb5mYsxcht9rQ='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Renders the page. Send it with [`CONTENT_SECURITY_POLICY`].
pub fn html(receipt: &Receipt) -> String {
    let sheet = Sheet::of(receipt);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (sheet.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (sheet.title) }
                    @if let Some(note) = &sheet.note { p { (note) } }
                    @for (heading, lines) in [("From", &sheet.issuer), ("For", &sheet.recipient)] {
                        h2 { (heading) }
                        // Text that people entered keeps its own writing direction.
                        @for line in lines { p dir="auto" { (line) } }
                    }
                    dl {
                        @for (name, value) in &sheet.facts { dt { (name) } dd { (value) } }
                    }
                    table {
                        tbody {
                            tr {
                                th scope="row" {
                                    @for line in &sheet.service { p dir="auto" { (line) } }
                                }
                                td { @if sheet.parts.is_empty() { (sheet.total.1) } }
                            }
                            @for (name, amount) in &sheet.parts {
                                tr { th scope="row" dir="auto" { (name) } td { (amount) } }
                            }
                        }
                        tfoot {
                            tr { th scope="row" { (sheet.total.0) } td { (sheet.total.1) } }
                        }
                    }
                    @if let Some(remark) = &sheet.remark { p { (remark) } }
                }
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_contains_the_hash_of_the_style() {
        use base64::Engine;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(digest);
        assert!(CONTENT_SECURITY_POLICY.contains(&format!("style-src 'sha256-{hash}';")), "{hash}");
    }
}
