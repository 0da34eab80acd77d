//! Only an app idles.

#[offsched::service]
pub mod beat {
    #[idle]
    fn idle(_: idle::Context) {}
}

fn main() {}
