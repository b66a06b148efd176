//! The Lambda function `read_exchange_rates`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_exchange_rates::ROUTE)
}
