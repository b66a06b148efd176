//! The Lambda functions of the area `payments`.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::payments::AREA.binary())
}
