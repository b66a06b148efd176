//! The Lambda function `deliver_effects`.

fn main() -> std::process::ExitCode {
    functions::entry::deliver_effects()
}
