//! The Lambda function `read_api_description`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_alone(&functions::read_api_description::ROUTE)
}
