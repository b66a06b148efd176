//! The Lambda function `read_api_description`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_api_description::ROUTE)
}
