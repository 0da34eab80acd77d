//! A context has what the task declares.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(cx: tick::Context) {
        *cx.local.count += 1;
    }
}

fn main() {}
