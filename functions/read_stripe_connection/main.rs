//! The Lambda function `read_stripe_connection`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_stripe_connection::ROUTE)
}
