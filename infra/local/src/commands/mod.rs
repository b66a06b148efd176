//! The command line.

mod environment;
mod help;
mod run;
mod signals;
mod simulators;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::{StartError, Terminal, demo};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The command line is invalid.
    #[error("{0}\nRun `cargo run -- help` for the list of commands and options")]
    Usage(String),
    /// An environment variable is invalid.
    #[error("the environment variable {name} {must}")]
    Environment { name: &'static str, must: String },
    /// The stack cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The demo failed.
    #[error(transparent)]
    Demo(#[from] demo::Failure),
    /// The operating system returned an error.
    #[error("{0}")]
    System(String),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

/// A parsed command line.
enum Command {
    Run,
    Demo(demo::Options),
    DemoMoney,
    Simulators(Box<simulators::Options>),
    Help,
    Version,
}

/// Runs the command in the arguments of the process. The exit code is 2 for an invalid command line, and 1 for other errors.
pub fn start() -> ExitCode {
    let terminal = Terminal::new();
    match parse(std::env::args_os().skip(1)).and_then(|command| run_command(command, terminal)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal.error(format_args!("expert-connect: {failure}"));
            ExitCode::from(if matches!(failure, Failure::Usage(_)) { 2 } else { 1 })
        }
    }
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, Failure> {
    use lexopt::prelude::{Long, Short, Value};
    let mut parser = lexopt::Parser::from_args(arguments);
    let command = match parser.next()? {
        None => Command::Run,
        Some(Short('h') | Long("help")) => Command::Help,
        Some(Short('V') | Long("version")) => Command::Version,
        Some(Value(name)) => match name.to_str() {
            Some("run") => without_arguments(parser, Command::Run)?,
            Some("demo") => demo_options(parser)?,
            Some("simulators") => simulators::options(parser)?,
            Some("help") => Command::Help,
            _ => return Err(Failure::Usage(format!("unknown command {name:?}"))),
        },
        Some(other) => return Err(other.unexpected().into()),
    };
    Ok(command)
}

fn without_arguments(mut parser: lexopt::Parser, command: Command) -> Result<Command, Failure> {
    match parser.next()? {
        None => Ok(command),
        Some(lexopt::Arg::Short('h') | lexopt::Arg::Long("help")) => Ok(Command::Help),
        Some(other) => Err(other.unexpected().into()),
    }
}

fn demo_options(mut parser: lexopt::Parser) -> Result<Command, Failure> {
    use lexopt::ValueExt as _;
    let port = environment::ports()?.api;
    let mut options =
        demo::Options { url: format!("http://127.0.0.1:{port}"), time_zone: demo::local_zone() };
    if let Some(url) = environment::text("EXPERT_CONNECT_URL")? {
        options.url = url;
    }
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Value(name) if name == "money" => {
                return without_arguments(parser, Command::DemoMoney);
            }
            lexopt::Arg::Long("url") => options.url = parser.value()?.parse()?,
            lexopt::Arg::Long("time-zone") => options.time_zone = parser.value()?.parse()?,
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    options.url = options.url.trim_end_matches('/').to_owned();
    if !options.url.starts_with("http://") {
        return Err(Failure::Usage(format!("--url must begin with http://, but is {:?}", options.url)));
    }
    Ok(Command::Demo(options))
}

fn run_command(command: Command, terminal: Terminal) -> Result<(), Failure> {
    match command {
        Command::Help => {
            terminal.print(help::TEXT.trim_end());
            Ok(())
        }
        Command::Version => {
            terminal.print(format_args!("expert-connect {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        Command::Run => on_runtime(run::run(terminal)),
        Command::Simulators(options) => on_runtime(simulators::run(terminal, *options)),
        Command::DemoMoney => on_runtime(async move { Ok(demo::money::run(terminal).await?) }),
        Command::Demo(options) => on_runtime(async move { Ok(demo::run(terminal, options).await?) }),
    }
}

fn on_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::System(format!("the runtime cannot start: {error}")))?;
    let outcome = runtime.block_on(work);
    // Tasks that still run can be stopped at any time without losing data, so there is no need to wait for them.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, Failure> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn commands_and_their_options_are_parsed() {
        assert!(matches!(parsed(&[]), Ok(Command::Run)));
        assert!(matches!(parsed(&["run"]), Ok(Command::Run)));
        assert!(matches!(parsed(&["help"]), Ok(Command::Help)));
        assert!(matches!(parsed(&["demo", "--help"]), Ok(Command::Help)));
        assert!(matches!(parsed(&["demo", "money"]), Ok(Command::DemoMoney)));
        let Ok(Command::Demo(options)) = parsed(&["demo", "--url", "http://127.0.0.1:1/"]) else {
            panic!("a demo");
        };
        assert_eq!(options.url, "http://127.0.0.1:1");
    }

    #[test]
    fn invalid_command_lines_are_refused() {
        for invalid in [
            &["dmeo"][..],
            &["--port", "1"],
            &["run", "now"],
            &["demo", "time"],
            &["demo", "money", "now"],
            &["demo", "--url", "https://example.org"],
            &["demo", "--time-zone", "Mars/Olympus"],
            &["demo", "--url"],
            &["simulators", "--port-base", "70000"],
            &["simulators", "--webhook-url", "nowhere"],
            &["simulators", "--paypal-webhook-url", "https://example.org"],
        ] {
            assert!(matches!(parsed(invalid), Err(Failure::Usage(_))), "{invalid:?}");
        }
    }
}
