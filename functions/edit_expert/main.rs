//! The Lambda function `edit_expert`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::edit_expert::ROUTE)
}
