//! The Lambda functions of the area `experts`.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::experts::AREA.binary())
}
