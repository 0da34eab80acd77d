//! A user's names may be those that generated code uses too.
#![deny(warnings)]

#[offsched::app]
mod app {
    pub struct Context;
    #[derive(Clone, Copy)]
    pub struct Lock;
    pub struct Send;
    #[allow(dead_code)]
    enum Maybe {
        Some,
        None,
    }
    #[allow(unused_imports)]
    use Maybe::{None, Some};

    #[shared]
    struct Resources {
        r#type: Lock,
        core: Context,
        tick: Send,
    }

    #[local]
    struct Own {
        job: u8,
        cx: Lock,
    }

    #[init]
    fn begin(cx: begin::Context) -> (Resources, Own) {
        let _ = cx.clock.nanos();
        let resources = Resources {
            r#type: Lock,
            core: Context,
            tick: Send,
        };
        (resources, Own { job: 0, cx: Lock })
    }

    #[idle(shared = [r#type])]
    fn doze(_: doze::Context) {}

    #[task(priority = 1, period = 100us, shared = [r#type, core], local = [job, cx])]
    fn core(_: core::Context) {}

    #[task(priority = 2, event, shared = [tick])]
    fn tick(_: tick::Context, core: Lock, job: Lock, instant: u8, (): ()) {
        let _ = (core, job, instant);
    }

    #[task(priority = 2, event)]
    fn r#loop(_: r#loop::Context) {
        let _ = tick::spawn(Lock, Lock, 1, ());
    }
}

fn main() {}
