//! Links the function binaries at a fixed address: otherwise the loader relocates some 90,000 pointers at each cold start, which
//! takes a millisecond.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
