//! What the core runs: a service that sends back what it gets.

pub use stream::App;

/// The app.
#[offsched::app]
pub mod stream {
    use crate::message::Message;
    use offsched::{Channel, Mail, Mutex as _};

    /// Pieces of mail in one job; the rest releases it again.
    const MAIL_PER_JOB: usize = 16;

    #[channels]
    struct Channels {
        #[channel(clients = 64, ring = 4096)]
        stream: Channel<Message, Message>,
    }

    #[init]
    fn init(_: init::Context) {}

    /// An honest client leaves room for its answers; what finds none is its own loss.
    #[task(priority = 1, channel = stream)]
    fn answer(mut cx: answer::Context) {
        cx.channels.stream.lock(|stream| {
            for _ in 0..MAIL_PER_JOB {
                match stream.recv() {
                    Some(Mail::Message(from, message)) => {
                        let _ = stream.send(from, &message);
                    }
                    Some(_) => {}
                    None => return,
                }
            }
        });
    }
}
