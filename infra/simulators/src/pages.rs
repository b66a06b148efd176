//! Pages for people. They need no script and fit a phone.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use url::Url;

use crate::simulator::Refused;

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

/// A whole page.
pub(crate) fn page(status: StatusCode, title: &str, body: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { h1 { (title) } (body) }
        }
    };
    let mut response = (status, axum::response::Html(page.into_string())).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page that says what went wrong.
pub(crate) fn problem(status: StatusCode, title: &str, message: &str) -> Response {
    page(status, title, html! { p.problem { (message) } })
}

/// The page for an address that leads nowhere.
pub(crate) fn not_found() -> Response {
    let body = html! { p { "This page does not exist, has expired, or its address lacks the secret." } };
    page(StatusCode::NOT_FOUND, "Not found", body)
}

/// The page for what could not be done.
pub(crate) fn refused(refused: impl Into<Refused>) -> Response {
    problem(StatusCode::CONFLICT, "That did not work", &refused.into().message)
}

/// Sends the browser on with a GET.
pub(crate) fn see_other(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location.to_owned())]).into_response()
}

/// Sends the visitor to an address of the web with these members in its query; `None` when it is none.
pub(crate) fn back(address: Option<&str>, members: &[(&str, &str)]) -> Option<Response> {
    let mut url = Url::parse(address?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.query_pairs_mut().extend_pairs(members);
    Some(see_other(url.as_str()))
}

/// A form with a button for each choice: value, label, and what it leads to. It is posted to `action`, or to
/// the page's own address when that is empty.
pub(crate) fn choices<'a>(
    action: &str,
    name: &str,
    choices: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Markup {
    html! {
        form method="post" action=[(!action.is_empty()).then_some(action)] {
            @for (value, label, effect) in choices {
                p { button name=(name) value=(value) { (label) } " " (effect) }
            }
        }
    }
}

/// A table. A heading that starts with `#` is that of a column of numbers.
pub(crate) fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Markup {
    let mut rows = rows.into_iter().peekable();
    html! {
        @if rows.peek().is_none() {
            p.note { "None yet." }
        } @else {
            div.wide {
                table {
                    tr { @for heading in headings { th { (heading.trim_start_matches('#')) } } }
                    @for row in rows {
                        tr {
                            @for (cell, heading) in row.iter().zip(headings) {
                                td class=[heading.starts_with('#').then_some("number")] { (cell) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn markup_in_text_is_harmless() {
        let shown = table(&["Text"], [vec!["<a href=\"x\"&>".to_owned()]]).into_string();
        assert!(shown.contains("&lt;a href=&quot;x&quot;&amp;&gt;"), "{shown}");
    }
}
