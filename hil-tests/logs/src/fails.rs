//! Logs at two levels, then panics in a function that it calls: what a crash record shows of a log.

pub use app::App;

/// The value at a place, which the last caller has wrong.
#[inline(never)]
fn sample(samples: &[u32], at: usize) -> u32 {
    defmt::debug!("sample {=usize}", at);
    samples[at]
}

/// The app.
#[offsched::app]
pub mod app {
    #[init]
    fn init(_: init::Context) {
        defmt::info!("up");
        read::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn read(_: read::Context) {
        let samples = core::hint::black_box([3, 5, 8]);
        for at in 0..=samples.len() {
            check::spawn(super::sample(&samples, at)).unwrap();
        }
    }

    #[task(priority = 2, event)]
    fn check(_: check::Context, value: u32) {
        if value > 4 {
            defmt::warn!("{=u32} is much", value);
        }
    }
}
