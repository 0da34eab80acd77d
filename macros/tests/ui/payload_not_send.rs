//! A payload moves between levels.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event)]
    fn tick(_: tick::Context, x: *mut u8) {
        let _ = x;
    }
}

fn main() {}
