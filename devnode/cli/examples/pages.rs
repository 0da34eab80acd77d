//! Writes the man pages and the shell completions of `offsched` into a folder,
//! laid out as they are installed: `pages FOLDER`. From the command line's own
//! description, so they cannot say anything else.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

#[allow(dead_code, reason = "the options' values are for the command itself")]
#[path = "../src/args.rs"]
mod args;

fn main() -> io::Result<()> {
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "usage: pages FOLDER");
    let folder = std::env::args_os().nth(1).ok_or_else(usage)?;
    let share = Path::new(&folder).join("usr/share");
    let mut command = args::Args::command();
    let man = share.join("man/man1");
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(command.clone(), &man)?;
    for (shell, place) in [
        (Shell::Bash, "bash-completion/completions/offsched"),
        (Shell::Zsh, "zsh/site-functions/_offsched"),
        (Shell::Fish, "fish/vendor_completions.d/offsched.fish"),
    ] {
        let file = share.join(place);
        fs::create_dir_all(file.parent().unwrap_or(&share))?;
        clap_complete::generate(
            shell,
            &mut command,
            "offsched",
            &mut fs::File::create(file)?,
        );
    }
    Ok(())
}
