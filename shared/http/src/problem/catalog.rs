//! The catalog of problem types. A problem can only be created from a type of the catalog, so every type is documented.

use http::StatusCode;

use super::{general, operations, payments, receipts, scheduling};

/// The prefix of every problem type.
const NAMESPACE: &str = "urn:expert-connect:problem:";

/// A type of problems: what they mean, and what the caller does next.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    name: &'static str,
    status: u16,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
    temporary: bool,
}

impl ProblemType {
    /// The last part of the URN, such as `slot-taken`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The URN, such as `urn:expert-connect:problem:slot-taken`.
    pub fn urn(&self) -> String {
        format!("{NAMESPACE}{}", self.name)
    }

    /// The HTTP status of all problems of this type.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A short summary.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What has happened, in a sentence.
    pub fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// What the caller does next, in a sentence.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// Whether the same request can succeed later. Its problems have `retry_after`.
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}

/// Every problem type: those of all areas, then those of each area.
pub fn catalog() -> impl Iterator<Item = &'static ProblemType> {
    [general::ALL, scheduling::ALL, payments::ALL, receipts::ALL, operations::ALL]
        .into_iter()
        .flatten()
        .copied()
}

/// Defines the problem types of an area, and the list of them: `NAME = status "name", title, meaning, remedy;`. The word
/// `temporary` after the status says that the same request can succeed later.
macro_rules! problem_types {
    (@temporary) => { false };
    (@temporary temporary) => { true };
    ($($id:ident = $status:literal $($temporary:ident)? $name:literal, $title:literal, $meaning:literal, $remedy:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $id: &crate::problem::ProblemType = &crate::problem::catalog::new(
                $name,
                $status,
                [$title, $meaning, $remedy],
                crate::problem::catalog::problem_types!(@temporary $($temporary)?),
            );
        )*

        /// The problem types of this area.
        pub(super) const ALL: &[&crate::problem::ProblemType] = &[$($id),*];
    };
}

pub(super) use problem_types;

/// A type for the macro `problem_types`, which also adds it to the catalog.
pub(super) const fn new(
    name: &'static str,
    status: u16,
    [title, meaning, remedy]: [&'static str; 3],
    temporary: bool,
) -> ProblemType {
    ProblemType { name, status, title, meaning, remedy, temporary }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_is_described_once() {
        let mut names = BTreeSet::new();
        for kind in catalog() {
            assert!(names.insert(kind.name), "{} is twice in the catalog", kind.name);
            assert!((400..600).contains(&kind.status), "{kind:?}");
            assert!(
                kind.name
                    .split('-')
                    .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())),
                "{kind:?}"
            );
            assert!(!kind.title.is_empty() && !kind.title.ends_with('.'), "{kind:?}");
            for sentence in [kind.meaning, kind.remedy] {
                assert!(sentence.len() > 20 && sentence.ends_with('.'), "{kind:?}");
            }
        }
    }
}
