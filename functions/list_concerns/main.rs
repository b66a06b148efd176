//! The Lambda function `list_concerns`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_concerns::ROUTE)
}
