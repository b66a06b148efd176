//! Selects a media type by the `Accept` header (RFC 9110, section 12.5.1).

/// The offered media type that `accept` gives the highest weight; the first of those with the same weight. `None` if `accept`
/// accepts none of them.
pub(crate) fn best(accept: &str, offered: &[&'static str]) -> Option<&'static str> {
    let weighed = offered.iter().map(|media| (*media, weight(accept, media)));
    weighed.filter(|(_, weight)| *weight > 0).rev().max_by_key(|(_, weight)| *weight).map(|(media, _)| media)
}

/// The weight of a media type in thousandths: that of the most specific range that matches it.
fn weight(accept: &str, media: &str) -> u16 {
    let kind = media.split('/').next().unwrap_or_default();
    let specificity = |range: &str| match range.to_ascii_lowercase().as_str() {
        range if range == media => Some(2),
        range if range.strip_suffix("/*") == Some(kind) => Some(1),
        "*/*" => Some(0),
        _ => None,
    };
    accept
        .split(',')
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let specificity = specificity(parts.next()?)?;
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some((specificity, quality.map_or(1_000, thousandths)))
        })
        .max()
        .map_or(0, |(_, weight)| weight)
}

/// A weight from 0 to 1 with at most three decimals, in thousandths; 0 if it is invalid.
fn thousandths(quality: &str) -> u16 {
    let (whole, part) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, format!("{part:0<3}").parse()) {
        ("0", Ok(part)) if digits => part,
        ("1", Ok(0)) if digits => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [&str; 3] = ["application/json", "text/html", "application/pdf"];

    #[test]
    fn the_highest_weight_wins_and_the_order_breaks_ties() {
        for (accept, expected) in [
            ("*/*", Some("application/json")),
            ("", None),
            ("application/pdf", Some("application/pdf")),
            ("Application/PDF", Some("application/pdf")),
            ("text/html, application/pdf", Some("text/html")),
            ("text/html;q=0.8, application/pdf", Some("application/pdf")),
            ("text/*", Some("text/html")),
            ("application/*", Some("application/json")),
            ("application/*, application/json;q=0.1", Some("application/pdf")),
            ("*/*, application/json;q=0", Some("text/html")),
            // Sent by browsers.
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some("text/html")),
            ("application/json; charset=utf-8", Some("application/json")),
            ("image/png", None),
            ("application/pdf;q=0", None),
            ("application/pdf;q=0.000", None),
            ("application/pdf;q=nan", None),
            ("application/pdf;q=1.001", None),
            ("application/pdf;q=0.0001", None),
            ("application/pdf;q=0.001", Some("application/pdf")),
            (";q=1,,/,*", None),
        ] {
            assert_eq!(best(accept, &OFFERED), expected, "{accept}");
        }
    }
}
