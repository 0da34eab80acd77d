//! What the service says of its clients.

use std::time::{Duration, Instant};

use offsched_client::Channel;
use offsched_drills::stream::Message;

use crate::roles::LONG;

/// Between two questions.
const LOOK: Duration = Duration::from_millis(1);

/// How many came, and how many went: who asks is one that came.
///
/// # Errors
/// A sentence.
pub fn ask(channel: &mut Channel) -> Result<[u64; 2], String> {
    let sent = channel.send_msg(&Message::history(0, 0));
    sent.map_err(|error| error.to_string())?;
    let answer = channel.recv_msg::<Message>(LONG);
    let answer = answer.map_err(|error| error.to_string())?;
    let history = answer.and_then(|message| message.came_and_went());
    history.ok_or_else(|| "the service does not say who came".to_owned())
}

/// Asks until so many are there, who asks included: the service is told of an end a moment later.
///
/// # Errors
/// A sentence, if that never comes.
pub fn until_left(channel: &mut Channel, left: u64) -> Result<[u64; 2], String> {
    let begin = Instant::now();
    loop {
        let [came, went] = ask(channel)?;
        if came == went + left {
            return Ok([came, went]);
        }
        if begin.elapsed() > LONG {
            return Err(format!(
                "the service was told that {came} came and {went} went, but {left} are there"
            ));
        }
        std::thread::sleep(LOOK);
    }
}
