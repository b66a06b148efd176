//! Conversions between API documents and the domain types with the same members.

use std::collections::BTreeMap;

/// Implements `From` between an API document and a domain type that has the same members or variants.
///
/// `<=` converts from the domain type, `=>` into it, `<=>` in both directions. A member is converted with `into`, or with the function of this
/// module after its colon, such as `tiers: each`.
macro_rules! mirror {
    ($kind:tt $document:ident <=> $domain:ty { $($members:tt)* }) => {
        $crate::mirror::mirror!(@ $kind $document, $domain, $($members)*);
        $crate::mirror::mirror!(@ $kind $domain, $document, $($members)*);
    };
    ($kind:tt $document:ident <= $domain:ty { $($members:tt)* }) => {
        $crate::mirror::mirror!(@ $kind $document, $domain, $($members)*);
    };
    ($kind:tt $document:ident => $domain:ty { $($members:tt)* }) => {
        $crate::mirror::mirror!(@ $kind $domain, $document, $($members)*);
    };
    (@ struct $to:ty, $from:ty, $($member:ident $(: $convert:ident)?),* $(,)?) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                Self { $($member: $crate::mirror::mirror!(@ value.$member $(, $convert)?)),* }
            }
        }
    };
    (@ enum $to:ty, $from:ty, $($variant:ident $({ $($member:ident),* })?),* $(,)?) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                type Source = $from;
                match value {
                    $(Source::$variant $({ $($member),* })? => {
                        Self::$variant $({ $($member: $member.into()),* })?
                    })*
                }
            }
        }
    };
    (@ $value:expr) => { $value.into() };
    (@ $value:expr, $convert:ident) => { $crate::mirror::$convert($value) };
}

pub(crate) use mirror;

/// Converts each entry of a list.
pub(crate) fn each<A: Into<B>, B>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}

/// Converts a value that may be absent.
pub(crate) fn optional<A: Into<B>, B>(value: Option<A>) -> Option<B> {
    value.map(Into::into)
}

/// Converts each entry of the lists of a map.
pub(crate) fn each_list<K: Ord, A: Into<B>, B>(map: BTreeMap<K, Vec<A>>) -> BTreeMap<K, Vec<B>> {
    map.into_iter().map(|(key, list)| (key, each(list))).collect()
}
