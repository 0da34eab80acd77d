//! An application on tokio: several channels in one thread, each of which binds again whenever the core is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use offsched_client::{AsyncChannel, Channel, Error};
use offsched_drills::stream::Message;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};
use zerocopy::IntoBytes as _;

use crate::roles::{AGAIN, LONG, gone, not_yet};
use crate::stream::Stream;

/// Streams over all channels until the end: for each, how many messages came back, and how often it bound again.
///
/// # Errors
/// A sentence.
pub fn run(channels: Vec<Channel>, end: &Arc<AtomicBool>) -> Result<String, String> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    LocalSet::new().block_on(&runtime, async {
        let start = |channel| tokio::task::spawn_local(faithful(channel, Arc::clone(end)));
        let tasks: Vec<_> = channels.into_iter().map(start).collect();
        let mut said = Vec::new();
        for task in tasks {
            let ended = task.await;
            said.push(ended.map_err(|error| format!("a task: {error}"))??);
        }
        Ok(said.join(" "))
    })
}

async fn faithful(channel: Channel, end: Arc<AtomicBool>) -> Result<String, String> {
    let text = |error: Error| error.to_string();
    let mut channel = AsyncChannel::new(channel).map_err(text)?;
    let (mut total, mut again) = (0, 0);
    loop {
        let (gone, got) = stream(&mut channel, &end).await?;
        total += got;
        if !gone {
            return Ok(format!("{total} {again}"));
        }
        while let Err(error) = channel.rebind() {
            if !not_yet(&error) || end.load(Ordering::Relaxed) {
                return Err(format!("cannot bind again: {error}"));
            }
            sleep(AGAIN).await;
        }
        again += 1;
    }
}

/// Streams until the end: whether the core was gone before it, and how many messages came back.
async fn stream(channel: &mut AsyncChannel, end: &AtomicBool) -> Result<(bool, u64), String> {
    let mut stream = Stream::new(channel.get_mut());
    let mut buf = [0; size_of::<Message>()];
    loop {
        // One that is told to end at once has something to tell of all the same.
        let ends = end.load(Ordering::Relaxed) && stream.got() > 0;
        if ends && stream.idle() {
            return Ok((false, stream.got()));
        }
        while let Some(message) = stream.next().filter(|_| !ends) {
            match channel.send(message.as_bytes()).await {
                Ok(()) => stream.sent(),
                Err(error) if gone(&error) => return Ok((true, stream.got())),
                Err(error) => return Err(error.to_string()),
            }
        }
        match timeout(LONG, channel.recv(&mut buf)).await {
            Ok(Ok(len)) => stream.take(&buf[..len])?,
            Ok(Err(error)) if gone(&error) => return Ok((true, stream.got())),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(stream.late()),
        }
    }
}
