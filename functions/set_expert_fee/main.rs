//! The Lambda function `set_expert_fee`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::set_expert_fee::ROUTE)
}
