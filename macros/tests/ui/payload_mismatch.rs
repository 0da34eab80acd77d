//! The types of a payload are checked where it is sent.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {
        let _ = tock::spawn("seven");
    }

    #[task(priority = 2, event)]
    fn tock(_: tock::Context, x: u32) {
        let _ = x;
    }
}

fn main() {}
