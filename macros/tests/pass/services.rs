//! A service included twice, beside tasks of the app; its types are named nowhere in the app.
#![deny(warnings, missing_docs, unsafe_code)]

use offsched::App;

#[offsched::service]
/// A service with everything that a service can have.
pub mod beat {
    use offsched::{Channel, Mail, Mutex};

    /// How often it beat.
    pub struct Count(u32);

    /// Shared by its tasks.
    #[shared]
    pub struct Shared {
        count: Count,
    }

    /// Used by one of its tasks.
    #[local]
    pub struct Local {
        step: u32,
    }

    #[channels]
    struct Channels {
        #[channel(clients = 2, ring = 8192)]
        control: Channel<u32, u64>,
    }

    #[init]
    fn init(cx: init::Context) -> (Shared, Local) {
        let _ = cx.spawn.echo.spawn((0, 0));
        (Shared { count: Count(0) }, Local { step: 1 })
    }

    #[task(priority = 2, period = 100us, budget = 2us, shared = [count(1us)], local = [step])]
    fn tick(mut cx: tick::Context) {
        let step = *cx.local.step;
        cx.shared.count.lock(|count| count.0 += step);
        let _ = cx.spawn.echo.spawn((step, 2));
    }

    #[task(priority = 1, event, min_interval = 100us, budget = 2us, capacity = 2, shared = [count(1us)])]
    fn echo(mut cx: echo::Context, x: u32, _y: u8) {
        cx.shared.count.lock(|count| count.0 += x);
    }

    #[task(priority = 3, channel = control, min_interval = 1ms, budget = 2us)]
    fn serve(mut cx: serve::Context) {
        cx.channels.control.lock(|channel| {
            if let Some(Mail::Message(from, x)) = channel.recv() {
                let _ = channel.send(from, &u64::from(x));
            }
        });
    }
}

#[offsched::app(services = [fast = crate::beat { base = 8 }, slow = beat])]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 5, period = 1ms, budget = 10us)]
    fn own(_: own::Context) {}
}

fn main() {
    let image = app::App::image();
    let names: Vec<_> = image.tasks.iter().map(|t| (t.name, t.level)).collect();
    let expected = [
        ("own", 5),
        ("fast.tick", 10),
        ("fast.echo", 9),
        ("fast.serve", 11),
        ("slow.tick", 2),
        ("slow.echo", 1),
        ("slow.serve", 3),
    ];
    assert_eq!(names, expected);
    let channels: Vec<_> = image.channels.iter().map(|c| (c.service, c.task)).collect();
    assert_eq!(channels, [("fast", 3), ("slow", 6)]);
    assert_eq!(image.channels[0].clients, 2);
    assert_eq!(
        (image.channels[0].rx_size, image.channels[0].tx_size),
        (4, 8)
    );
    let types = (
        image.channels[0].rx_type.name(),
        image.channels[0].tx_type.name(),
    );
    assert_eq!(types, ("u32", "u64"));
}
