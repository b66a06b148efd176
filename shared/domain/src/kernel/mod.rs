//! Types that every area uses: ids, money, time, text, countries, languages, and the violations of a document.

pub mod country;
pub mod id;
pub(crate) mod interned;
pub mod language;
pub mod money;
pub mod percent;
pub mod phone;
pub mod text;
pub mod time;
pub mod violation;
