//! What the demo's core runs: the timer service, nothing else.

/// The name that applications bind, and the prefix of the service's tasks.
pub const SERVICE: &str = "timer";
/// The task whose lateness the demo shows.
pub const TICK: &str = "timer.tick";
/// Its period, us.
pub const TICK_US: u64 = 1;

#[offsched::app(services = [timer = offsched_services::timer { base = 8 }])]
mod demo {
    #[init]
    fn init(_: init::Context) {}
}

pub use demo::App;

#[cfg(test)]
mod tests {
    use super::*;
    use offsched::App as _;
    use offsched::rt::Release;

    #[test]
    fn the_tick_and_the_service_are_the_ones_named_here() {
        let image = App::image();
        let tick = image.tasks.iter().find(|task| task.name == TICK);
        let period = Release::Periodic {
            period_us: TICK_US as u32,
            offset_us: 0,
        };
        assert_eq!(tick.map(|task| task.release), Some(period));
        assert!(image.channels.iter().any(|one| one.service == SERVICE));
    }
}
