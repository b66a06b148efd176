//! What can be charged and what can be a price, for each currency.

use std::ops::RangeInclusive;

use super::{Currency, MAX_CHARGE, Money, Unchargeable};

/// The limits of one currency, in minor units.
struct Limits {
    /// The code of the currency.
    code: &'static str,
    /// The smallest amount that a gateway charges.
    charge: u64,
    /// The smallest price that is not zero.
    price: u64,
}

/// The largest price is this many times the smallest price of its currency: EUR 9,000, USD 13,500, GBP 7,500. It bounds what a refund
/// costs the platform, because gateways do not return their fees.
const LARGEST_PRICE: u64 = 3_000;

const fn limits(code: &'static str, charge: u64, price: u64) -> Limits {
    Limits { code, charge, price }
}

/// The currencies of prices.
///
/// The smallest charges are Stripe's (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>, read in
/// November 2026). Where Stripe states none, its rule is the worth of its smallest charge in the currency of the platform,
/// about 0.50 US dollars; there, the smallest charge is a tenth of the smallest price.
///
/// The smallest price is the one from which the usual commission of 10 % covers the fee that Stripe publishes for a card of the
/// same country, rounded up to half a unit: 2.9 % and 0.30 in US dollars, 1.5 % and 0.25 in euros, 1.5 % and 0.20 in pounds.
/// Elsewhere it is an amount worth about 5 US dollars.
const LIMITS: &[Limits] = &[
    limits("AED", 200, 2_000),
    limits("AUD", 50, 750),
    limits("BHD", 200, 2_000),
    limits("BRL", 50, 3_000),
    limits("CAD", 50, 700),
    limits("CHF", 50, 450),
    limits("CLP", 500, 5_000),
    limits("CNY", 400, 4_000),
    limits("COP", 200_000, 2_000_000),
    limits("CZK", 1_500, 12_000),
    limits("DKK", 250, 3_500),
    limits("EUR", 50, 300),
    limits("GBP", 30, 250),
    limits("HKD", 400, 4_000),
    limits("HUF", 17_500, 200_000),
    limits("IDR", 900_000, 9_000_000),
    limits("ILS", 200, 2_000),
    limits("INR", 50, 45_000),
    limits("ISK", 70, 700),
    limits("JOD", 350, 3_500),
    limits("JPY", 50, 800),
    limits("KRW", 750, 7_500),
    limits("KWD", 160, 1_600),
    limits("MGA", 230_000, 2_300_000),
    limits("MXN", 1_000, 10_000),
    limits("MYR", 200, 2_200),
    limits("NOK", 300, 5_500),
    limits("NZD", 50, 900),
    limits("OMR", 200, 2_000),
    limits("PHP", 3_000, 30_000),
    limits("PLN", 200, 2_000),
    limits("QAR", 200, 2_000),
    limits("RON", 200, 2_500),
    limits("SAR", 200, 2_000),
    limits("SEK", 300, 5_500),
    limits("SGD", 50, 700),
    limits("THB", 1_000, 18_000),
    limits("TND", 1_600, 16_000),
    limits("TRY", 2_500, 25_000),
    limits("TWD", 1_600, 16_000),
    limits("UGX", 1_800, 18_000),
    limits("USD", 50, 450),
    limits("VND", 13_000, 130_000),
    limits("ZAR", 900, 9_000),
];

impl Currency {
    fn limits(self) -> Option<&'static Limits> {
        LIMITS.iter().find(|limits| limits.code == self.code()).filter(|_| self.is_chargeable())
    }

    /// Returns the smallest and the largest amount that can be charged in this currency, in minor units.
    ///
    /// A currency in which no price can be has a minimum of one step. The maximum is eight digits as Stripe counts them; ISK
    /// and UGX have two more digits there than in ISO 4217.
    pub fn charge_limits(self) -> RangeInclusive<u64> {
        let minimum = self.limits().map_or(self.charge_step(), |limits| limits.charge);
        let maximum = if matches!(self.code(), "ISK" | "UGX") { MAX_CHARGE / 100 } else { MAX_CHARGE };
        minimum..=maximum
    }

    /// Returns the smallest price in this currency that is not zero, in minor units; `None` if prices cannot be in it.
    ///
    /// It is worth about the same in all currencies: about 3 to 5 euros.
    pub fn smallest_price(self) -> Option<u64> {
        self.limits().map(|limits| limits.price)
    }

    /// Returns the smallest and the largest price in this currency, in minor units; `None` if prices cannot be in it. A session
    /// with price zero is free and has no limits.
    ///
    /// The largest price is 3,000 times the smallest one, or the largest amount that can be charged, if that is less.
    ///
    /// A currency that is not in use, or whose smallest charge and price are not stated here, has no limits: whether a price
    /// in it could be charged would be a guess.
    pub fn price_limits(self) -> Option<RangeInclusive<u64>> {
        let largest = |smallest: u64| (smallest * LARGEST_PRICE).min(*self.charge_limits().end());
        self.smallest_price().map(|smallest| smallest..=largest(smallest))
    }
}

impl Money {
    /// Checks that the amount can be charged: it is within the currency's limits and a multiple of its charge step.
    ///
    /// # Errors
    /// [`Unchargeable`], which says what the amount must be.
    pub fn check_charge(self) -> Result<(), Unchargeable> {
        if !self.currency.is_chargeable() {
            return Err(Unchargeable(format!("{} cannot be charged", self.currency.code())));
        }
        self.check_limits(&self.currency.charge_limits(), "to be charged")
    }

    /// Returns the amount to charge for a converted price: this amount rounded to the charge step.
    ///
    /// The limits are those of a charge and not those of prices: the price is within the limits of its own currency, and
    /// conversion does not change what it is worth.
    ///
    /// # Errors
    /// [`Unchargeable`] if the amount is too small or too large to be charged.
    pub fn to_charge(self) -> Result<Self, Unchargeable> {
        let rounded = self.prorate(1, 1);
        rounded.check_charge().map(|()| rounded)
    }

    /// Checks that the amount can be a price: zero, or within the limits of prices and a multiple of the charge step.
    ///
    /// # Errors
    /// [`Unchargeable`], which says what the amount must be.
    pub fn check_price(self) -> Result<(), Unchargeable> {
        match self.currency.price_limits() {
            _ if self.is_zero() => Ok(()),
            None => Err(Unchargeable(format!("{} cannot be the currency of a price", self.currency.code()))),
            Some(limits) => self.check_limits(&limits, "or 0 for a free session"),
        }
    }

    /// Checks that the amount is at most `times` the smallest price of its currency.
    ///
    /// # Errors
    /// [`Unchargeable`], which states the limit.
    pub fn check_at_most(self, times: u16) -> Result<(), Unchargeable> {
        let Some(smallest) = self.currency.smallest_price() else { return Ok(()) };
        let most = Self { amount: smallest * u64::from(times), ..self };
        match self.amount <= most.amount {
            true => Ok(()),
            false => Err(Unchargeable(format!(
                "must be at most {most}, until an administrator allows this expert larger prices; got {self}"
            ))),
        }
    }

    fn check_limits(self, limits: &RangeInclusive<u64>, purpose: &str) -> Result<(), Unchargeable> {
        let step = self.currency.charge_step();
        let show = |amount| Self { amount, ..self }.to_string();
        if !limits.contains(&self.amount) {
            let (minimum, maximum) = (show(*limits.start()), show(*limits.end()));
            Err(Unchargeable(format!("must be from {minimum} to {maximum}, {purpose}; got {self}")))
        } else if !self.amount.is_multiple_of(step) {
            Err(Unchargeable(format!("must be a multiple of {}, {purpose}; got {self}", show(step))))
        } else {
            Ok(())
        }
    }
}
