//! Groups by name, as the system knows them: whatever serves them (files, a directory), `getent` asks it.

use std::process::Command;

/// A group's number, by its name or as it is.
///
/// # Errors
/// A sentence, if there is no such group.
pub fn number(group: &str) -> Result<u32, String> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let output = Command::new("getent").args(["group", "--", group]).output();
    let output = output.map_err(|error| {
        format!("cannot look up group `{group}` (getent: {error}): give its number")
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    entry(&text)
        .ok_or_else(|| format!("there is no group `{group}`: `getent group` lists those there are"))
}

/// The number in `name:password:number:members`.
fn entry(line: &str) -> Option<u32> {
    line.trim_end().split(':').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_names_or_numbers() {
        assert_eq!(number("4711"), Ok(4711));
        assert_eq!(number("root"), Ok(0));
        let none = number("no-such-group-here").unwrap_err();
        assert!(none.contains("no group `no-such-group-here`"), "{none}");
        assert_eq!(entry("rt:x:117:ann,bob\n"), Some(117));
        assert_eq!(entry(""), None);
    }
}
