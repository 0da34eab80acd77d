//! More than the whole core, beside a task of which nothing is known.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 3, event)]
    fn bare(_: bare::Context) {}

    #[task(priority = 2, period = 100us, budget = 90us)]
    fn hog(_: hog::Context) {}

    #[task(priority = 1, period = 100us, deadline = 50us, budget = 40us)]
    fn late(_: late::Context) {}
}

fn main() {}
