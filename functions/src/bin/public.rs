//! The Lambda functions of the public routes that are called most often.

fn main() -> std::process::ExitCode {
    functions::runtime::run(functions::PUBLIC)
}
