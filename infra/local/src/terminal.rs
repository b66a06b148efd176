//! What is printed.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};

/// The terminal, or whatever stands behind standard output and standard error.
///
/// Nobody may be reading any more (`… | head`); that is no reason to end, so failures to write are passed over.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    colours: bool,
    silent: bool,
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Terminal {
    /// The process's own. Colours only where a person looks who has not asked for none (<https://no-color.org>).
    pub fn new() -> Self {
        Self { colours: stdout().is_terminal() && colours_wanted(), silent: false }
    }

    /// One that nobody looks at.
    pub fn silent() -> Self {
        Self { colours: false, silent: true }
    }

    /// A line on standard output.
    pub fn say(&self, line: impl Display) {
        if !self.silent {
            let _ = writeln!(stdout().lock(), "{line}");
        }
    }

    /// A line on standard output that people shall find again.
    pub fn headline(&self, line: impl Display) {
        if self.colours {
            self.say(format_args!("\u{1b}[1m{line}\u{1b}[0m"));
        } else {
            self.say(line);
        }
    }

    /// A line on standard error.
    pub fn complain(&self, line: impl Display) {
        if !self.silent {
            let _ = writeln!(stderr().lock(), "{line}");
        }
    }
}

/// Whether nobody has asked for no colours.
pub(crate) fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
