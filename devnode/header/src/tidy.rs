//! cbindgen's C in the form of the kernel's: comments, tabs, integer types, enums.

/// Columns of a tab.
pub const TAB: usize = 8;
/// Longest line that a comment of one line may make.
const LINE: usize = 100;

/// Types as cbindgen names them and as both kernel and user space have them. The atomics of Rust
/// are plain words with rules of access.
const INTEGERS: &[(&str, &str)] = &[
    ("AtomicU64", "__u64"),
    ("AtomicU32", "__u32"),
    ("AtomicU8", "__u8"),
    ("uint64_t", "__u64"),
    ("uint32_t", "__u32"),
    ("uint16_t", "__u16"),
    ("uint8_t", "__u8"),
    ("UINT16_MAX", "0xffff"),
    ("UINT32_MAX", "0xffffffffU"),
];

/// Alignments that cbindgen does not see, because the attribute is conditional.
const ALIGNED: &[(&str, &str)] = &[(
    "struct offsched_control_page {",
    "struct OFFSCHED_ALIGNED(4096) offsched_control_page {",
)];

/// All of the above, applied.
pub fn tidy(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut comment: Option<Vec<String>> = None;
    let mut conditional = false;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = "\t".repeat((line.len() - code.len()) / TAB);
        match &mut comment {
            Some(words) if code == "*/" => {
                lines.extend(comment_lines(&indent, words));
                comment = None;
            }
            Some(words) => words.push(plain(code)),
            None if code == "/*" => comment = Some(Vec::new()),
            // The sized enums of C23, and the types beside them: words here have their own sizes.
            None if code.starts_with("#if __STDC_VERSION__") => conditional = true,
            None if code.starts_with("#endif") => conditional = false,
            None if conditional => {}
            None if code == "{" => lines.last_mut().into_iter().for_each(|last| *last += " {"),
            None if code.starts_with("#define") => lines.push(constant(code)),
            None => lines.push(format!("{indent}{code}")),
        }
    }
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    let mut text = lines.join("\n") + "\n";
    for (from, to) in INTEGERS.iter().chain(ALIGNED) {
        text = text.replace(from, to);
    }
    text
}

/// A constant; large ones, which are addresses and sizes, in hex and too wide to overflow.
fn constant(line: &str) -> String {
    let large = line
        .rsplit_once(' ')
        .and_then(|(name, value)| Some((name, value.parse::<u64>().ok()?)))
        .filter(|(_, value)| *value > u64::from(u16::MAX));
    large.map_or_else(
        || line.to_owned(),
        |(name, value)| format!("{name} {value:#x}ULL"),
    )
}

/// A comment on one line where it fits, else on lines of its own.
fn comment_lines(indent: &str, words: &[String]) -> Vec<String> {
    if let [line] = words {
        let line = format!("{indent}/* {line} */");
        if line.replace('\t', &" ".repeat(TAB)).len() <= LINE {
            return vec![line];
        }
    }
    let inner = words.iter().map(|line| match line.as_str() {
        "" => format!("{indent} *"),
        line => format!("{indent} * {line}"),
    });
    let mut lines = vec![format!("{indent}/*")];
    lines.extend(inner);
    lines.push(format!("{indent} */"));
    lines
}

/// A line of rustdoc without its links: "[`Name`](path)" is "Name".
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.replace('`', "");
    while let Some(end) = rest.find("](") {
        out.push_str(&rest[..end]);
        let after = &rest[end + 2..];
        rest = after
            .split_once(')')
            .map_or("", |(_, tail)| tail)
            .to_owned();
    }
    out.push_str(&rest);
    out.replace(['[', ']'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_lose_their_links_and_fit_a_line() {
        let text = "        /*\n         The [`State`](crate::State) of [`Core`].\n         */\n        AtomicU32 state;\n";
        assert_eq!(tidy(text), "\t/* The State of Core. */\n\t__u32 state;\n");
    }

    #[test]
    fn large_constants_are_wide() {
        assert_eq!(tidy("#define A 65536\n"), "#define A 0x10000ULL\n");
        assert_eq!(tidy("#define A (32 * 1024)\n"), "#define A (32 * 1024)\n");
    }

    #[test]
    fn sized_enums_are_plain_ones() {
        let text = "enum E\n#if __STDC_VERSION__ >= 202311L\n  : uint32_t\n#endif // x\n {\n        E_A = 0,\n};\n#if __STDC_VERSION__ >= 202311L\ntypedef enum E E;\n#else\ntypedef uint32_t E;\n#endif // x\n";
        assert_eq!(tidy(text), "enum E {\n\tE_A = 0,\n};\n");
    }
}
