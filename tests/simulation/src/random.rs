//! Reproducible random numbers: everything that a simulation draws comes from its seed.

/// A pseudorandom number generator (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Creates the generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Creates an independent generator.
    pub fn fork(&mut self) -> Self {
        Self(self.next_u64())
    }

    /// Returns 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns 128 random bits.
    pub fn next_u128(&mut self) -> u128 {
        u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())
    }

    /// Returns a number below `end`, or 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next_u64() % end }
    }

    /// Returns a number from `low` to `high`, both inclusive.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(u64::try_from(high - low + 1).unwrap_or(1))).unwrap_or(0)
    }

    /// Returns `true` with a probability of `in_ten_thousand` / 10,000.
    pub fn happens(&mut self, in_ten_thousand: u32) -> bool {
        in_ten_thousand > 0 && self.below(10_000) < u64::from(in_ten_thousand)
    }

    /// Picks an element.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let place = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        &of[place]
    }

    /// Picks an element with a probability in proportion to its weight.
    pub fn weighted<T: Copy>(&mut self, of: &[(u32, T)]) -> T {
        let whole: u64 = of.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut drawn = self.below(whole);
        for (weight, one) in of {
            if drawn < u64::from(*weight) {
                return *one;
            }
            drawn -= u64::from(*weight);
        }
        of[0].1
    }
}
