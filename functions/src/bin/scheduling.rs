//! The Lambda functions of the area `scheduling`.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::scheduling::AREA.binary())
}
