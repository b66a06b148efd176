//! The Lambda function `fetch_exchange_rates`.

fn main() -> std::process::ExitCode {
    functions::entry::fetch_exchange_rates()
}
