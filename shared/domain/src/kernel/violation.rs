//! The rules that a document breaks, all of them at once.

use std::fmt;

/// A value of a document that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where the value is in the document: a JSON Pointer (RFC 6901), such as `/price/amount`.
    pub pointer: String,
    /// The rule that the value breaks, such as `must be an integer from 1 to 100` or `is required`.
    pub must: String,
}

/// The values of a document that break a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Creates the violation of a single rule.
    pub fn one(pointer: impl Into<String>, must: impl Into<String>) -> Self {
        let mut violations = Self::default();
        violations.add(pointer, must);
        violations
    }

    /// Adds a violation.
    pub fn add(&mut self, pointer: impl Into<String>, must: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), must: must.into() });
    }

    /// Adds a violation unless `value` is from `low` to `high`.
    pub fn check_range(&mut self, pointer: impl Into<String>, value: u32, low: u32, high: u32) {
        if !(low..=high).contains(&value) {
            self.add(pointer, format!("must be from {low} to {high}, got {value}"));
        }
    }

    /// Adds a violation if a list has more than `most` entries.
    pub fn check_count(&mut self, pointer: impl Into<String>, count: usize, most: usize) {
        if count > most {
            self.add(pointer, format!("must have at most {most} entries, got {count}"));
        }
    }

    /// Adds the violations of a member of the document, whose pointers begin at that member.
    pub fn add_member(&mut self, pointer: &str, member: Result<(), Self>) {
        for Violation { pointer: inner, must } in member.err().into_iter().flatten() {
            self.add(format!("{pointer}{inner}"), must);
        }
    }

    /// Returns the violations with another pointer, for a document that has the value elsewhere.
    #[must_use]
    pub fn moved_to(self, pointer: &str) -> Self {
        Self(self.0.into_iter().map(|one| Violation { pointer: pointer.to_owned(), ..one }).collect())
    }

    /// Returns the violations as an error if there are any.
    ///
    /// # Errors
    /// These violations.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Returns the violations in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter()
    }
}

impl IntoIterator for Violations {
    type Item = Violation;
    type IntoIter = std::vec::IntoIter<Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Violations {
    /// Writes the violations as a list, such as `/seats: must be from 1 to 500, got 0; /start: must be …`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Violation { pointer, must }) in self.0.iter().enumerate() {
            let separator = if place > 0 { "; " } else { "" };
            write!(out, "{separator}{pointer}: {must}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_are_kept_with_the_pointers_of_their_members() {
        let mut violations = Violations::default();
        violations.check_range("/seats", 0, 1, 500);
        violations.check_range("/seats", 1, 1, 500);
        violations.check_count("/tiers", 9, 8);
        violations.check_count("/tiers", 8, 8);
        violations.add_member("/price", Err(Violations::one("/amount", "must be above zero")));
        violations.add_member("/price", Ok(()));
        assert_eq!(
            violations.to_string(),
            "/seats: must be from 1 to 500, got 0; /tiers: must have at most 8 entries, got 9; \
             /price/amount: must be above zero"
        );
        assert_eq!(violations.clone().into_result(), Err(violations));
        assert_eq!(Violations::default().into_result(), Ok(()));
    }
}
