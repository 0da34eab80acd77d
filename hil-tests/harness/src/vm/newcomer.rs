//! What a newcomer does in the guest, and what he should see.

use super::{Setup, scripted};

const CHECK: &str = concat!(include_str!("check.sh"), include_str!("crash.sh"));
const EXPECTED: &str = concat!(include_str!("expected.txt"), include_str!("crash.txt"));

/// Compares what a newcomer sees with what he should.
pub fn check(setup: &Setup<'_>) -> Result<(), String> {
    let mut found = Vec::new();
    scripted(setup, CHECK, |line| found.push(line.to_owned()))?;
    let expected: Vec<_> = EXPECTED.lines().collect();
    let Some((wanted, at)) = difference(&expected, &found) else {
        return Ok(());
    };
    let mut text = String::from("not as it should be printed:\n");
    for (number, line) in found.iter().enumerate() {
        if number == at {
            text += &format!("- {}\n", expected.get(wanted).unwrap_or(&"(the end)"));
        }
        let mark = if number == at { '+' } else { ' ' };
        text += &format!("{mark} {line}\n");
    }
    if at == found.len() {
        text += &format!("- {}\n+ (the end)\n", expected[wanted]);
    }
    Err(text)
}

/// Where patterns and lines differ, each by number. What begins with `?` may be there or not.
fn difference(expected: &[&str], found: &[String]) -> Option<(usize, usize)> {
    let mut at = 0;
    for (number, pattern) in expected.iter().enumerate() {
        let optional = pattern.strip_prefix('?');
        let fits = |line: &String| matches(optional.unwrap_or(pattern), line);
        if found.get(at).is_some_and(fits) {
            at += 1;
        } else if optional.is_none() {
            return Some((number, at));
        }
    }
    (at < found.len()).then_some((expected.len(), at))
}

/// Whether a line is as the pattern says, in which `*` is anything.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_and_all_else_is_itself() {
        for (pattern, line) in [
            ("a", "a"),
            ("*", ""),
            ("a*c", "abc"),
            ("a*b*c", "a-bb-c"),
            ("up * s, *", "up 1.2 s, x"),
        ] {
            assert!(matches(pattern, line), "{pattern} {line}");
        }
        for (pattern, line) in [
            ("a", "ab"),
            ("a*c", "ab"),
            ("a*b*c", "acb"),
            ("*c", "cd"),
            ("ab*b", "ab"),
        ] {
            assert!(!matches(pattern, line), "{pattern} {line}");
        }
    }

    #[test]
    fn lines_are_compared_one_by_one_and_some_may_lack() {
        let differ = |found: &[&str]| {
            let found: Vec<_> = found.iter().map(|line| (*line).to_owned()).collect();
            difference(&["a *", "?gaps *", "c"], &found)
        };
        assert_eq!(differ(&["a 1", "gaps 2", "c"]), None);
        assert_eq!(differ(&["a 1", "c"]), None);
        assert_eq!(differ(&["a 1", "gaps 2"]), Some((2, 2)));
        assert_eq!(differ(&["a 1", "b", "c"]), Some((2, 1)));
        assert_eq!(differ(&["a 1", "c", "d"]), Some((3, 2)));
        assert_eq!(differ(&[]), Some((0, 0)));
    }
}
