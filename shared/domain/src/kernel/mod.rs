//! Types that every area uses: ids, money, time and text.

pub mod id;
pub mod money;
pub mod text;
pub mod time;
