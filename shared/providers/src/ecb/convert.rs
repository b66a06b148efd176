//! Reads the rates in the bank's XML file. Inside an envelope, a `Cube` for the day contains a `Cube` for each currency:
//!
//! ```xml
//! <Cube><Cube time="2027-03-04"><Cube currency="USD" rate="1.0562"/> …</Cube></Cube>
//! ```

use domain::Currency;
use domain::kernel::time::Date;
use domain::payments::exchange::{CurrencyRate, InvalidRates, ReferenceRates};
use roxmltree::{Document, Node, ParsingOptions};

/// The namespace of the envelope.
const ENVELOPE: &str = "http://www.gesmes.org/xml/2002-08-01";
/// The namespace of the rates.
const RATES: &str = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref";
/// Maximum number of nodes in a file. The bank's has about a hundred.
const MAX_NODES: u32 = 2_000;
/// Maximum number of characters of the file that are quoted in an error message.
const MAX_QUOTE: usize = 24;

/// The reason why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidFile {
    #[error("it is not UTF-8")]
    Encoding,
    #[error("it is not well-formed XML: {0}")]
    Form(String),
    #[error("it does not have exactly one {0}")]
    Shape(&'static str),
    #[error("its day is {0:?}, which is not a date")]
    Day(String),
    #[error("the rate of {currency} is {rate:?}, which is not a decimal number above zero")]
    Rate { currency: &'static str, rate: String },
    #[error(transparent)]
    Table(#[from] InvalidRates),
}

/// Reads the file of one day. Unknown currencies are skipped. Any other irregularity makes the whole file invalid.
pub(super) fn rates(file: &[u8]) -> Result<ReferenceRates, InvalidFile> {
    let text = std::str::from_utf8(file).map_err(|_| InvalidFile::Encoding)?;
    // Without a document type, only XML's five predefined entities exist.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| InvalidFile::Form(error.to_string()))?;
    let envelope = Some(document.root_element()).filter(|root| root.has_tag_name((ENVELOPE, "Envelope")));
    let envelope = envelope.ok_or(InvalidFile::Shape("envelope"))?;
    let day = only(cubes(only(cubes(envelope), "Cube in the envelope")?), "day")?;
    let time = day.attribute("time").unwrap_or_default();
    let date: Date = time.parse().map_err(|_| InvalidFile::Day(quoted(time)))?;
    let mut rates = Vec::new();
    for cube in cubes(day) {
        let code = cube.attribute("currency").unwrap_or_default();
        let Ok(currency) = Currency::try_from(code.to_owned()) else {
            tracing::warn!(currency = quoted(code), %date, "a rate is skipped, because its currency is unknown");
            continue;
        };
        let rate = cube.attribute("rate").unwrap_or_default();
        let per_euro =
            rate.parse().map_err(|_| InvalidFile::Rate { currency: currency.code(), rate: quoted(rate) })?;
        rates.push(CurrencyRate { currency, per_euro });
    }
    Ok(ReferenceRates::new(date, rates)?)
}

fn cubes<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(|child| child.has_tag_name((RATES, "Cube")))
}

fn only<'a, 'input>(
    mut nodes: impl Iterator<Item = Node<'a, 'input>>,
    what: &'static str,
) -> Result<Node<'a, 'input>, InvalidFile> {
    match (nodes.next(), nodes.next()) {
        (Some(node), None) => Ok(node),
        _ => Err(InvalidFile::Shape(what)),
    }
}

/// The beginning of a text, short enough for an error message.
fn quoted(text: &str) -> String {
    text.chars().take(MAX_QUOTE).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAILY: &str = include_str!("recorded/daily.xml");
    const UNUSUAL: &str = include_str!("recorded/unusual.xml");

    fn of(file: &str) -> Result<ReferenceRates, InvalidFile> {
        rates(file.as_bytes())
    }

    fn shown_rates(rates: &ReferenceRates) -> Vec<String> {
        rates.rates().iter().map(|rate| format!("{} {}", rate.currency.code(), rate.per_euro)).collect()
    }

    #[test]
    fn rates_are_read_to_the_last_digit() {
        let rates = of(DAILY).expect("rates");
        assert_eq!(rates.date().to_string(), "2027-03-04");
        let shown = shown_rates(&rates);
        assert_eq!(shown.len(), 29);
        for expected in ["USD 1.0842", "JPY 162.70", "IDR 17711.31", "ISK 146.10", "GBP 0.83755"] {
            assert!(shown.iter().any(|rate| rate == expected), "{expected}: {shown:?}");
        }
    }

    #[test]
    fn equivalent_xml_is_read() {
        let rates = of(UNUSUAL).expect("rates");
        assert_eq!(rates.date().to_string(), "2027-03-05");
        // Elements of other namespaces, and currencies that are not in use, are skipped.
        assert_eq!(shown_rates(&rates), ["JPY 163.1", "USD 1.0850"]);
        assert!(of(&format!("\u{feff}{DAILY}")).is_ok());
    }

    /// The file with a part replaced. The part must exist.
    fn with(part: &str, instead: &str) -> String {
        assert!(DAILY.contains(part), "{part}");
        DAILY.replacen(part, instead, 1)
    }

    #[test]
    fn irregular_file_is_refused() {
        let usd = "<Cube currency='USD' rate='1.0842'/>";
        let day = "<Cube time='2027-03-04'>";
        let refused = [
            ("", "well-formed"),
            ("no XML", "well-formed"),
            (&DAILY[..DAILY.len() / 2], "well-formed"),
            (&format!("{DAILY}more"), "well-formed"),
            (&format!("{DAILY}<Cube/>"), "well-formed"),
            (&format!("{DAILY}{DAILY}"), "well-formed"),
            (&with("<gesmes:Envelope", "<!DOCTYPE e [<!ENTITY x \"y\">]><gesmes:Envelope"), "well-formed"),
            (&with("1.0842", "&x;"), "well-formed"),
            (&with(usd, &"<a>".repeat(20_000)), "well-formed"),
            (&with(usd, &"<a/>".repeat(3_000)), "well-formed"),
            ("<html><body>Maintenance</body></html>", "envelope"),
            (&DAILY.replace("xml/2002-08-01", "xml/2099-01-01"), "envelope"),
            (&DAILY.replace("2002-08-01/eurofxref", "2099-01-01/eurofxref"), "Cube in the envelope"),
            (&with(day, &format!("<Cube time='2027-03-03'>{usd}</Cube>{day}")), "one day"),
            (&with(day, "<Cube>"), "not a date"),
            (&with("2027-03-04", "04.03.2027"), "not a date"),
            (&with("2027-03-04", "2027-02-30"), "not a date"),
            (&with("2027-03-04", ""), "not a date"),
            (&with("1.0842", "0"), "USD"),
            (&with("1.0842", "-1.0842"), "USD"),
            (&with("1.0842", "1,0842"), "USD"),
            (&with("1.0842", "1e9"), "USD"),
            (&with("1.0842", ""), "USD"),
            (&with("1.0842", &"9".repeat(13)), "USD"),
            (&with("currency='USD' rate='1.0842'", "currency='USD'"), "USD"),
            (&with(usd, &format!("{usd}{usd}")), "USD has more than one rate"),
            (&with("JPY", "USD"), "USD has more than one rate"),
            (&with("USD", "EUR"), "the euro"),
        ];
        for (file, expected) in refused {
            let error = of(file).expect_err(expected).to_string();
            assert!(error.contains(expected), "{expected}: {error}");
            assert!(error.len() < 200, "{error}");
        }
        assert_eq!(rates(b"\xff\xfe<\0?\0"), Err(InvalidFile::Encoding));
        // A file with only unknown currencies is refused.
        let unknown = with("USD", "XXX").split(day).next().map(|head| {
            format!("{head}{day}<Cube currency='ZZZ' rate='1'/></Cube></Cube></gesmes:Envelope>")
        });
        assert_eq!(of(&unknown.expect("a head")), Err(InvalidFile::Table(InvalidRates::Empty)));
    }

    #[test]
    fn quotes_in_error_messages_are_short() {
        let error = of(&with("1.0842", &"x".repeat(10_000))).expect_err("no rate").to_string();
        assert!(error.len() < 200, "{error}");
        let error = of(&with("2027-03-04", &"x".repeat(10_000))).expect_err("no date").to_string();
        assert!(error.len() < 200, "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_048)) {
            let _ = rates(&bytes);
        }

        #[test]
        fn arbitrary_text_never_panics(text in "[<>/='\" a-c&;!\\[\\]?x:CubeDOTYPE-]{0,400}") {
            let _ = of(&text);
        }

        /// The bank's file with some bytes changed, removed or added is refused, or still contains rates.
        #[test]
        fn damaged_file_is_refused_or_has_rates(
            at in 0..DAILY.len(),
            removed in 0..40_usize,
            added in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut file = DAILY.as_bytes().to_vec();
            let end = (at + removed).min(file.len());
            file.splice(at..end, added);
            if let Ok(rates) = rates(&file) {
                prop_assert!(!rates.rates().is_empty());
            }
        }

        #[test]
        fn arbitrary_attributes_never_panic(
            time in "[0-9-]{0,12}", currency in "[A-Z]{0,4}", rate in "[0-9.,e+-]{0,20}",
        ) {
            let file = DAILY
                .replacen("2027-03-04", &time, 1)
                .replacen("USD", &currency, 1)
                .replacen("1.0842", &rate, 1);
            let _ = of(&file);
        }
    }
}
