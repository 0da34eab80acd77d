//! The links of a core's own nodes are out of reach: nobody else can put them into a wheel.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}
}

fn main() {
    use offsched::App as _;

    offsched::wheel::Wheel::new().add(app::App::image().nodes, 0, 5);
}
