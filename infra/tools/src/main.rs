//! `cargo run -p tools -- template` writes the generated part of `template.yaml`, `events` the schemas of the domain events, and
//! `problems` writes `docs/problems.md`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use functions::AREAS;
use tools::{events, problems, template};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["template"] => write_template(),
        ["events"] => write_event_schemas(),
        ["problems"] => write_problems(),
        _ => Err("usage: cargo run -p tools -- template|events|problems".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without standard error there is nowhere to report to.
            let _ = writeln!(std::io::stderr(), "tools: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_problems() -> Result<(), Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems.md");
    Ok(std::fs::write(path, problems::page())?)
}

fn write_template() -> Result<(), Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = template::regenerate(&std::fs::read_to_string(&path)?, AREAS)?;
    std::fs::write(&path, &template)?;
    match template::faults(&template, AREAS).as_slice() {
        [] => Ok(()),
        faults => Err(faults.join("\n").into()),
    }
}

fn write_event_schemas() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(events::FOLDER);
    std::fs::create_dir_all(&folder)?;
    for (name, text) in events::schemas()? {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
