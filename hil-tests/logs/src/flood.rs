//! More than a ring keeps: the oldest go, and are counted.

pub use app::App;

/// Frames that one job writes.
pub const FRAMES: u32 = 5_000;

/// The app.
#[offsched::app]
pub mod app {
    #[init]
    fn init(_: init::Context) {
        flood::spawn().unwrap();
    }

    #[task(priority = 3, event)]
    fn flood(cx: flood::Context) {
        for number in 0..super::FRAMES {
            defmt::info!("frame {=u32}", number);
        }
        cx.stop();
    }
}
