//! The Lambda functions of the area `operations`.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::operations::AREA.binary())
}
