//! Types that every area uses: ids, money, time and text.

pub mod id;
pub(crate) mod interned;
pub mod money;
pub mod text;
pub mod time;
