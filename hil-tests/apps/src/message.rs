//! Messages arrive in the order of sending. An inbox holds what the task's
//! capacity says; a message that finds it full comes back to its sender.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::{Reason, Rejected};

    #[init]
    fn init(_: init::Context) {
        send::spawn().unwrap();
    }

    #[task(priority = 2, event)]
    fn send(mut cx: send::Context) {
        for (number, word) in [(1, "one"), (2, "two"), (3, "three")] {
            match receive::spawn(number, word) {
                Ok(()) => writeln!(cx.console, "sent {number}").unwrap(),
                Err(Rejected {
                    reason: Reason::Full,
                    payload: (number, word),
                }) => {
                    writeln!(cx.console, "full: {number} ({word}) came back").unwrap();
                }
                Err(other) => writeln!(cx.console, "refused: {other}").unwrap(),
            }
        }
    }

    #[task(priority = 1, event, capacity = 2)]
    fn receive(mut cx: receive::Context, number: u32, word: &'static str) {
        writeln!(cx.console, "received {number} ({word})").unwrap();
        if number == 2 {
            cx.stop();
        }
    }
}
