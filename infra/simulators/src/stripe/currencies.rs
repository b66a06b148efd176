//! The currencies that Stripe charges in. Source: <https://docs.stripe.com/currencies>.

use crate::balances::listed;

/// The largest amount, in minor units: eight digits.
pub(super) const MAXIMUM: i64 = 99_999_999;

const CODES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bif bmd bnd bob brl bsd bwp byn \
    bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd \
    hkd hnl htg huf idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd \
    mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln pyg qar ron rsd rub \
    rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx uyu uzs vnd vuv wst \
    xaf xcd xcg xof xpf yer zar zmw bhd jod kwd omr tnd";

const ZERO_DECIMAL: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
const THREE_DECIMAL: &str = "bhd jod kwd omr tnd";

/// Whether Stripe charges in a currency, which is in lower case.
pub(super) fn exists(currency: &str) -> bool {
    listed(CODES, currency)
}

/// Every currency that Stripe charges in.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    CODES.split_ascii_whitespace()
}

/// The currencies without decimals that Stripe counts in hundredths all the same.
const WHOLE_IN_HUNDREDTHS: &str = "isk ugx";

/// The number of decimals of a currency.
pub(super) fn exponent(currency: &str) -> u32 {
    if listed(ZERO_DECIMAL, currency) {
        0
    } else if listed(THREE_DECIMAL, currency) {
        3
    } else {
        2
    }
}

/// The number that every amount in minor units is a multiple of.
pub(super) fn step(currency: &str) -> i64 {
    if listed(WHOLE_IN_HUNDREDTHS, currency) {
        100
    } else if listed(THREE_DECIMAL, currency) {
        10
    } else {
        1
    }
}

/// The smallest amount that can be charged, in minor units. For currencies without a published minimum Stripe
/// derives one from the day's exchange rates; here any amount can be charged.
pub(super) fn minimum(currency: &str) -> i64 {
    match currency {
        "aud" | "brl" | "cad" | "chf" | "eur" | "inr" | "jpy" | "nzd" | "sgd" | "usd" => 50,
        "gbp" => 30,
        "bgn" => 100,
        "aed" | "myr" | "pln" | "ron" => 200,
        "dkk" => 250,
        "nok" | "sek" => 300,
        "hkd" => 400,
        "mxn" | "thb" => 1000,
        "czk" => 1500,
        "huf" => 17_500,
        other => step(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{exists, exponent, minimum, step};

    #[test]
    fn decimals_steps_and_minima_follow_the_currency() {
        assert!(exists("eur") && !exists("EUR") && !exists("xxx"));
        assert_eq!((exponent("jpy"), step("jpy"), minimum("jpy")), (0, 1, 50));
        assert_eq!((exponent("eur"), step("eur"), minimum("eur")), (2, 1, 50));
        assert_eq!((exponent("kwd"), step("kwd"), minimum("kwd")), (3, 10, 10));
        assert_eq!((exponent("isk"), step("isk"), minimum("isk")), (2, 100, 100));
        assert_eq!(minimum("gbp"), 30);
    }
}
