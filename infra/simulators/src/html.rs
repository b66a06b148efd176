//! Pages that need no script and fit a phone.

use std::fmt::Write as _;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:64rem;margin:0 auto;padding:1rem}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8886;\
vertical-align:top;white-space:nowrap}\
td.number{text-align:right;font-variant-numeric:tabular-nums}\
label{display:block;margin:.8rem 0}input{font:inherit;padding:.5rem;width:100%;box-sizing:border-box}\
button{font:inherit;padding:.6rem 1rem;margin:.3rem .5rem .3rem 0;cursor:pointer}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8882;padding:.8rem}\
.problem{border-left:.3rem solid #c00;padding:.3rem .8rem;background:#c001}\
.note{opacity:.75}";

/// The text with everything that means something to a browser made harmless, in elements and quoted
/// attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A table. Cells are escaped here; a heading that starts with `#` names a column of numbers.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return "<p class=\"note\">None yet.</p>".to_owned();
    }
    let mut html = String::from("<div class=\"wide\"><table><tr>");
    for heading in headings {
        // Writing to a string cannot fail.
        let _ = write!(html, "<th>{}</th>", escape(heading.trim_start_matches('#')));
    }
    html.push_str("</tr>");
    for row in rows {
        html.push_str("<tr>");
        for (cell, heading) in row.iter().zip(headings) {
            let class = if heading.starts_with('#') { " class=\"number\"" } else { "" };
            let _ = write!(html, "<td{class}>{}</td>", escape(cell));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table></div>");
    html
}

/// A whole page. `title` is escaped here, `body` is markup already.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    );
    let mut response = (status, axum::response::Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Sends the browser on with a GET.
pub(crate) fn see_other(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location.to_owned())]).into_response()
}

/// An amount in minor units as people write it, such as `12.50 EUR`.
pub(crate) fn money(amount: i64, currency: &str, exponent: u32) -> String {
    let scale = 10_u64.pow(exponent);
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, part) = (amount.unsigned_abs() / scale, amount.unsigned_abs() % scale);
    let currency = currency.to_ascii_uppercase();
    if exponent == 0 {
        return format!("{sign}{whole} {currency}");
    }
    format!("{sign}{whole}.{part:0width$} {currency}", width = exponent as usize)
}

#[cfg(test)]
mod tests {
    use super::{escape, money};

    #[test]
    fn markup_in_text_is_harmless() {
        assert_eq!(escape("<a href='x\"&'>"), "&lt;a href=&#39;x&quot;&amp;&#39;&gt;");
    }

    #[test]
    fn money_is_written_in_the_digits_of_its_currency() {
        assert_eq!(money(1250, "eur", 2), "12.50 EUR");
        assert_eq!(money(-5, "eur", 2), "-0.05 EUR");
        assert_eq!(money(500, "jpy", 0), "500 JPY");
        assert_eq!(money(1005, "kwd", 3), "1.005 KWD");
    }
}
