//! Numbers for people.

/// A number with its thousands apart: 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time in the unit that suits it.
pub fn length(nanos: u64) -> String {
    match nanos {
        0..10_000 => format!("{nanos} ns"),
        10_000..10_000_000 => format!("{:.0} us", nanos as f64 / 1e3),
        10_000_000..1_000_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        _ => format!("{:.1} s", nanos as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        let found = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(found, ["0", "999", "1,000", "1,234,567"]);
        let found = [9_999, 10_400, 12_345_678, 2_100_000_000].map(length);
        assert_eq!(found, ["9999 ns", "10 us", "12.3 ms", "2.1 s"]);
    }
}
