//! Writes the header: `cargo xtask header`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let path = offsched_header::path();
    let written = offsched_header::text().and_then(|text| {
        let problem = |error| format!("cannot write {}: {error}", path.display());
        std::fs::write(&path, text).map_err(problem)
    });
    match written {
        Ok(()) => {
            println!("wrote {}", path.display());
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("offsched-header: {sentence}");
            ExitCode::FAILURE
        }
    }
}
