//! Reproducible random numbers, and mutation of bytes.

/// A predictable generator of numbers (SplitMix64, <https://doi.org/10.1145/2714064.2660195>).
#[derive(Debug, Clone)]
pub struct SeededRandom(u64);

impl SeededRandom {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, which must be above 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() % end as u64).expect("it is below a usize")
    }

    /// True with a probability of one in `cases`.
    pub fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }

    /// One of the elements.
    pub fn choose<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }
}

/// Byte sequences that often cause errors.
const DICTIONARY: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\xae",
    b"-",
    b"+",
    b"0",
    b"-1",
    b"1e999",
    b"255",
    b"256",
    b"65536",
    b"4294967296",
    b"18446744073709551616",
    b"9223372036854775807",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b",",
    b":",
    b"{\"",
    b"%00",
    b"%ff",
    b"&",
    b"=",
    b";",
    b" ",
    b"\r\n",
    b"'",
    b"<!--",
    b"]]>",
    b"&#0;",
    b"#",
    b".",
    b"_",
    b"T24:00:00Z",
    b"9999-12-31",
    b"0000-00-00",
    b"\"-1\"",
];

/// Makes one to four small changes. The result has at most 64 KiB.
pub fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut SeededRandom) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below((bytes.len() - at).min(16) + 1);
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.bits().to_le_bytes()[0],
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..end, random.choose(DICTIONARY).iter().copied())),
            4 => {
                let piece = bytes[at..end].to_vec();
                let times = 1 + random.below(20);
                drop(bytes.splice(at..at, piece.repeat(times)));
            }
            5 => bytes.truncate(at),
            6 if !corpus.is_empty() => {
                let other = random.choose(corpus);
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => drop(bytes.splice(at..at, random.choose(DICTIONARY).iter().copied())),
        }
    }
    bytes.truncate(64 * 1024);
}
