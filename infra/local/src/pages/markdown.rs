//! Renders the small part of Markdown that descriptions in the OpenAPI document use: paragraphs, code, and links.

use maud::{Markup, html};

/// A description in one paragraph. Text between backticks is code; `[text](https://…)` and `<https://…>` are links.
pub(super) fn inline(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (links(part)) }
        }
    }
}

/// A description in paragraphs, which empty lines separate.
pub(super) fn paragraphs(text: &str) -> Markup {
    html! { @for paragraph in text.split("\n\n").filter(|part| !part.trim().is_empty()) { p { (inline(paragraph)) } } }
}

fn links(text: &str) -> Markup {
    match next_link(text) {
        Some((before, name, address, after)) => html! { (before) a href=(address) { (name) } (links(after)) },
        None => html! { (text) },
    }
}

/// The text before the first link, its name and address, and the text after it.
fn next_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let named = text.match_indices("](https://").find_map(|(at, _)| {
        let (before, name) = text.get(..at)?.rsplit_once('[')?;
        let (address, after) = text.get(at + 2..)?.split_once(')')?;
        Some((before, name, address, after))
    });
    let bare = text.split_once("<https://").and_then(|(before, rest)| {
        let (name, after) = rest.split_once('>')?;
        let start = before.len() + 1;
        Some((before, name, text.get(start..start + "https://".len() + name.len())?, after))
    });
    match (named, bare) {
        (Some(named), Some(bare)) => Some(if named.0.len() < bare.0.len() { named } else { bare }),
        (named, bare) => named.or(bare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_links_and_paragraphs_are_rendered() {
        for (text, expected) in [
            ("a `b` c", "a <code>b</code> c"),
            ("see <https://a.example/x>.", "see <a href=\"https://a.example/x\">a.example/x</a>."),
            (
                "[one](https://a.example) and <https://b.example>",
                "<a href=\"https://a.example\">one</a> and <a href=\"https://b.example\">b.example</a>",
            ),
            ("a[0] < b", "a[0] &lt; b"),
            ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
            ("<script>", "&lt;script&gt;"),
        ] {
            assert_eq!(inline(text).into_string(), expected, "{text}");
        }
        assert_eq!(paragraphs("one\n\ntwo").into_string(), "<p>one</p><p>two</p>");
    }
}
