//! The Lambda function `replace_availability`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::replace_availability::ROUTE)
}
