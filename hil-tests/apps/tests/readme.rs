//! The README shows an app, and `sample` is that app.

/// Everything but blanks, and the commas that rustfmt adds.
fn flat(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    text.replace(",}", "}")
}

#[test]
fn the_app_of_the_readme_is_sample() {
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```rust\n").skip(1);
    let mut apps = blocks
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.starts_with("#[offsched::app]"));
    let (shown, more) = (apps.next().expect("an app"), apps.next());
    assert_eq!(more, None, "one app in the README");
    let sample = include_str!("../src/sample.rs");
    let at = sample.find("#[offsched::app]").expect("an app");
    let sample = sample[at..].replace("pub mod app", "mod app");
    assert_eq!(flat(shown), flat(&sample));
}
