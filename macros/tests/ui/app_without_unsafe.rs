//! Ports run an app's tables in safe code: who writes them by hand says that they belong together.

struct Mine;

impl offsched::App for Mine {
    const NAME: &'static str = "mine";

    fn image() -> &'static offsched::Image<'static> {
        unimplemented!()
    }
}

fn main() {}
