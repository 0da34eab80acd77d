//! An app that answers when whoever asked has gone to sleep, with when it heard and when it answers.

pub use app::App;

/// Its service, and what it is sent and answers: two words.
pub const SERVICE: &str = "answers";
/// Bytes of a message, either way.
pub const MESSAGE: usize = 16;

/// The app.
#[offsched::app]
pub mod app {
    use offsched::{Channel, ClientId, ExtU64, Mail, Mutex as _};

    #[channels]
    struct Channels {
        #[channel(clients = 1, ring = 4096)]
        answers: Channel<[u64; 2], [u64; 2]>,
    }

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, channel = answers, measure = false)]
    fn hear(mut cx: hear::Context) {
        if let Some(Mail::Message(from, _)) = cx.channels.answers.lock(Channel::recv) {
            let heard = cx.clock.cycles();
            // Linux needs a hundredth of that to put a reader and its CPU to sleep.
            answer::spawn_after(1u64.millis(), from, heard).unwrap();
        }
    }

    #[task(priority = 1, event, measure = false, channels = [answers])]
    fn answer(mut cx: answer::Context, to: ClientId, heard: u64) {
        let answered = cx.clock.cycles();
        let send = |line: &mut Channel<_, _>| line.send(to, &[heard, answered]);
        // A client that has gone wants no answer.
        let _ = cx.channels.answers.lock(send);
    }
}
