//! What users see: every file in `ui/` fails with exactly the message beside it, every file in `pass/` compiles.

#[test]
fn ui() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/ui/*.rs");
    tests.pass("tests/pass/*.rs");
}
