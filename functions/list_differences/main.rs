//! The Lambda function `list_differences`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_differences::ROUTE)
}
