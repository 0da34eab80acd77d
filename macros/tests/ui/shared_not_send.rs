//! Levels are like threads.

#[offsched::app]
mod app {
    use std::rc::Rc;

    #[shared]
    struct Shared {
        total: Rc<u32>,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared { total: Rc::new(0) }
    }

    #[task(priority = 1, period = 100us, shared = [total])]
    fn tick(_: tick::Context) {}
}

fn main() {}
