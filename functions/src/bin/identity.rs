//! The Lambda functions of the area `identity`.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::identity::AREA.binary())
}
