//! The Lambda function `read_availability`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_availability::ROUTE)
}
