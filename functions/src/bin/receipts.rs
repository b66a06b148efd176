//! The Lambda functions of the area `receipts`.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::receipts::AREA.binary())
}
