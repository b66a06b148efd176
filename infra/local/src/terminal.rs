//! Output for people.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};

/// Standard output and standard error.
///
/// Write errors are ignored: if the reader has gone, as in `… | head`, the program goes on.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    colors: bool,
    silent: bool,
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Terminal {
    /// The output of this process. It is colored if it is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
    pub fn new() -> Self {
        Self { colors: stdout().is_terminal() && colors_allowed(), silent: false }
    }

    /// An output that discards everything.
    pub fn silent() -> Self {
        Self { colors: false, silent: true }
    }

    /// Prints a line to standard output.
    pub fn print(&self, line: impl Display) {
        if !self.silent {
            let _ = writeln!(stdout().lock(), "{line}");
        }
    }

    /// Prints a line in bold to standard output.
    pub fn heading(&self, line: impl Display) {
        if self.colors {
            self.print(format_args!("\u{1b}[1m{line}\u{1b}[0m"));
        } else {
            self.print(line);
        }
    }

    /// Prints a line to standard error.
    pub fn error(&self, line: impl Display) {
        if !self.silent {
            let _ = writeln!(stderr().lock(), "{line}");
        }
    }
}

/// Whether `NO_COLOR` is not set.
pub(crate) fn colors_allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
