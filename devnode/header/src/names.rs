//! Rust's names in C: types as `offsched_snake_case`, constants and enumerators with `OFFSCHED_`.

use std::collections::BTreeMap;

/// Enums whose plain names are taken, or say too little: what they are called, and their
/// enumerators' prefix.
const ENUMS: &[(&str, &str, &str)] = &[
    ("State", "offsched_state_word", "OFFSCHED_STATE"),
    ("Status", "offsched_reply_status", "OFFSCHED_REPLY"),
    ("Phase", "offsched_phase", "OFFSCHED_PHASE"),
];

/// What each declared name is in C.
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Of the declarations in a header, and of constants that it gets from elsewhere.
    pub fn of<'a>(text: &str, constants: impl Iterator<Item = &'a str>) -> Self {
        let mut names = BTreeMap::new();
        let mut put = |name: &str, c: String| names.insert(name.to_owned(), c);
        for name in constants {
            put(name, format!("OFFSCHED_{name}"));
        }
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["#define", name, ..] => put(name, format!("OFFSCHED_{name}")),
                ["struct", .., name, "{"] => put(name, format!("offsched_{}", snake(name))),
                ["typedef", .., name] => {
                    let name = name.trim_end_matches(';');
                    put(name, format!("offsched_{}", snake(name)))
                }
                _ => None,
            };
        }
        for name in text.lines().filter_map(|line| line.strip_prefix("enum ")) {
            let plain = snake(name);
            let (c, prefix) = ENUMS.iter().find(|(rust, ..)| *rust == name).map_or_else(
                || {
                    let c = format!("offsched_{plain}");
                    (c.clone(), c.to_uppercase())
                },
                |(_, c, prefix)| ((*c).to_owned(), (*prefix).to_owned()),
            );
            put(name, c);
            let from = format!("{}_", plain.to_uppercase());
            for word in text.split(|c: char| !is_name(c)) {
                if let Some(rest) = word.strip_prefix(&from) {
                    put(word, format!("{prefix}_{rest}"));
                }
            }
        }
        Self(names)
    }

    /// A type's name in C.
    pub fn get<'a>(&'a self, rust: &'a str) -> &'a str {
        self.0.get(rust).map_or(rust, String::as_str)
    }

    /// The text with every declared name as it is in C: all of them in code, and in comments those
    /// that were links, since others may be plain words.
    pub fn in_c(&self, text: &str) -> String {
        let mut out = String::new();
        let mut comment = false;
        for line in text.lines() {
            let code = line.trim();
            comment |= code.starts_with("/*");
            self.put_line(&mut out, line, comment);
            comment &= !code.ends_with("*/");
            out.push('\n');
        }
        out
    }

    fn put_line(&self, out: &mut String, line: &str, comment: bool) {
        let mut rest = line;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            let plain = comment && !out.ends_with('`');
            out.push_str(if plain { word } else { self.get(word) });
            let end = tail.find(is_name).unwrap_or(tail.len());
            let (between, tail) = tail.split_at(end);
            out.push_str(between);
            rest = tail;
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `CamelCase_1__2` as `camel_case_1_2`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() || c == '_' && before != '_' {
            out.push('_');
        }
        if c != '_' {
            out.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_c() {
        let text = "/* State of `N`. */\n#define N 4\nstruct A(64) TwoWords_3__N {\n\t__u8 text[N];\n};\nenum State\n{\n\tSTATE_ON = 0,\n};\n\
                    enum OtherKind\n{\n\tOTHER_KIND_A = 0,\n};\n";
        let c = Names::of(text, ["M"].into_iter()).in_c(text);
        assert_eq!(
            c,
            "/* State of `OFFSCHED_N`. */\n#define OFFSCHED_N 4\nstruct A(64) offsched_two_words_3_n {\n\t__u8 text[OFFSCHED_N];\n};\n\
             enum offsched_state_word\n{\n\tOFFSCHED_STATE_ON = 0,\n};\n\
             enum offsched_other_kind\n{\n\tOFFSCHED_OTHER_KIND_A = 0,\n};\n"
        );
    }
}
