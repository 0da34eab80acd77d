//! Services that answer what they are sent, and do what a drill wants of a core.

pub use words::{BUSY, CRASH, ECHO, HISTORY, STOP};

/// What applications and the echo say to each other.
mod words {
    /// Answer with the same words.
    pub const ECHO: u64 = 0;
    /// Answer with how many clients came, and how many went.
    pub const HISTORY: u64 = 1;
    /// Panic.
    pub const CRASH: u64 = 2;
    /// End.
    pub const STOP: u64 = 3;
    /// Look at nothing for as many ms as the next word says, then answer.
    pub const BUSY: u64 = 4;
}

/// Messages that one job handles; the rest releases it again.
const MESSAGES_PER_JOB: usize = 16;

/// Longest that a client may keep a core busy, ms.
const BUSY_MAX_MS: u64 = 2_000;

macro_rules! echo {
    ($name:ident, $clients:literal, $ring:literal, $doc:literal) => {
        #[doc = $doc]
        #[offsched::service]
        pub mod $name {
            use super::{BUSY, CRASH, HISTORY, STOP};
            use offsched::{Channel, ExtU64, Mail, Mutex};

            /// What the service has seen.
            #[local]
            pub struct Local {
                came: u64,
                went: u64,
            }

            #[channels]
            struct Channels {
                #[channel(clients = $clients, ring = $ring)]
                line: Channel<[u64; 4], [u64; 4]>,
            }

            #[init]
            fn init(_: init::Context) -> Local {
                Local { came: 0, went: 0 }
            }

            #[task(priority = 1, channel = line, local = [came, went])]
            fn serve(mut cx: serve::Context) {
                for _ in 0..super::MESSAGES_PER_JOB {
                    let Some(mail) = cx.channels.line.lock(Channel::recv) else {
                        return;
                    };
                    let (client, mut words) = match mail {
                        Mail::Message(client, words) => (client, words),
                        Mail::Opened(_) => {
                            *cx.local.came += 1;
                            continue;
                        }
                        Mail::Closed(_) => {
                            *cx.local.went += 1;
                            continue;
                        }
                        Mail::Bad(_) => continue,
                    };
                    match words[0] {
                        HISTORY => (words[1], words[2]) = (*cx.local.came, *cx.local.went),
                        CRASH => panic!("as a client asked"),
                        STOP => return cx.stop(),
                        BUSY => cx.clock.spin(words[1].min(super::BUSY_MAX_MS).millis()),
                        _ => {}
                    }
                    // A client that does not read loses answers.
                    let _ = cx.channels.line.lock(|line| line.send(client, &words));
                }
            }
        }
    };
}

echo!(echo, 3, 8192, "For three clients.");
echo!(big, 3, 8388608, "With 48 MiB of rings.");
