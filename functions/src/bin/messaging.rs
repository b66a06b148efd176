//! The Lambda functions of the area `messaging`.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::messaging::AREA.binary())
}
