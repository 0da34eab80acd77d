//! Levels are fixed before cfg is looked at.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[cfg(test)]
    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
