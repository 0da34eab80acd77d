//! Many messages at a time on the core: in order, and as many as there is room for.
#![allow(missing_docs)]

use std::sync::{Arc, Mutex};

use offsched::ExtU64;
use offsched::abi::channel::{AppEnd, Wait};
use offsched::abi::ring::SendError;
use offsched_sim::{Config, channel, doorbell, run};

#[offsched::app]
mod app {
    use core::fmt::Write;
    use offsched::{Channel, ClientId, Mail, Mutex};

    #[channels]
    struct Channels {
        #[channel(clients = 1, ring = 4096)]
        line: Channel<u32, u64>,
    }

    #[init]
    fn init(_: init::Context) {}

    /// Takes up to nine messages, and answers each two-fold.
    #[task(priority = 1, channel = line)]
    fn serve(mut cx: serve::Context) {
        let console = &mut cx.console;
        cx.channels.line.lock(|line| {
            let mut rest = [0; 8];
            if let Some(Mail::Message(from, first)) = line.recv() {
                // One that had the place before.
                let gone = ClientId::new(0, 99);
                assert_eq!(line.recv_msgs(gone, &mut rest), 0);
                assert!(line.send_msgs(gone, &[1]).is_err());
                let more = line.recv_msgs(from, &mut rest);
                let _ = writeln!(console, "{first}, then {:?}", &rest[..more]);
                let answers = [first, rest[0]].map(u64::from);
                let _ = writeln!(console, "sent {:?}", line.send_msgs(from, &answers));
                let much = line.send_msgs(from, &[7; 1000]);
                let _ = writeln!(console, "of 1000: {much:?}");
                let none = line.send_msgs(from, &[7]);
                let _ = writeln!(console, "of 1: {none:?}");
            }
        });
    }
}

/// A service that takes what comes and never answers.
#[offsched::app]
mod sink {
    use offsched::{Channel, Mail, Mutex};

    #[channels]
    struct Channels {
        #[channel(clients = 1, ring = 4096)]
        line: Channel<u32, u64>,
    }

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, channel = line)]
    fn take(mut cx: take::Context) {
        cx.channels.line.lock(|line| {
            if let Some(Mail::Message(from, _)) = line.recv() {
                let _ = line.recv_msgs(from, &mut [0; 15]);
            }
        });
    }
}

type Client = Arc<Mutex<Option<AppEnd<'static>>>>;

/// A client that binds, and asks for the doorbell.
fn binds(client: &Client) -> impl Fn() + Send + Sync + 'static {
    let client = Arc::clone(client);
    move || {
        let view = channel(0).expect("the one place");
        let epoch = view.open().expect("nobody has it");
        doorbell();
        *client.lock().unwrap() = Some(AppEnd::new(view, epoch));
    }
}

fn sends(client: &Client, messages: &'static [u8]) -> impl Fn() + Send + Sync + 'static {
    let client = Arc::clone(client);
    move || {
        let mut end = client.lock().unwrap();
        let end = end.as_mut().expect("bound");
        assert!(end.sleep_until(Wait::Mail));
        let (count, sent) = end.send_equal(messages, 4).expect("room");
        assert_eq!(count, messages.len() / 4);
        let odd = end.try_send(b"odd");
        assert_eq!(odd, Err(SendError::OtherLength { size: 4 }));
        if sent.ring_doorbell {
            doorbell();
        }
    }
}

/// Fills the ring and sleeps for room.
fn fills(client: &Client) -> impl Fn() + Send + Sync + 'static {
    let client = Arc::clone(client);
    move || {
        let mut end = client.lock().unwrap();
        let end = end.as_mut().expect("bound");
        while end.try_send(&[0; 4]).is_ok() {}
        assert!(end.sleep_until(Wait::Room(4)));
        doorbell();
    }
}

#[test]
fn many_messages_at_a_time() {
    let client = Client::default();
    const THREE: &[u8] = &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
    let config = Config::new(200.micros())
        .call_at(10_500, binds(&client))
        .call_at(50_500, sends(&client, THREE));
    let run = run::<app::App>(&config).unwrap();
    // A ring of 4096 bytes has room for 512 messages of 8, two of which went before.
    let expected = "1, then [2, 3]\nsent Ok(2)\nof 1000: Ok(510)\nof 1: Err(Full)\n";
    assert_eq!(run.console, expected, "{}", run.text());
    let mut end = client.lock().unwrap();
    let end = end.as_mut().expect("bound");
    let mut answers = [0; 8 * 600];
    let got = end.recv_equal(&mut answers, 8).expect("answers");
    let numbers: Vec<_> = answers.chunks(8).map(|bytes| bytes[0]).collect();
    assert_eq!((got, &numbers[..3]), (512, &[1, 2, 7][..]));
}

/// Nothing is sent to the client, with which the executive could look whether it waits for room: it looks all the same.
#[test]
fn a_client_that_waits_for_room_is_rung_by_a_service_that_never_answers() {
    let client = Client::default();
    let config = Config::new(200.micros())
        .call_at(10_500, binds(&client))
        .call_at(50_500, fills(&client));
    let run = run::<sink::App>(&config).unwrap();
    assert_eq!(run.rings.len(), 1, "{}", run.text());
}

/// Another task than the channel's takes the mail, half the ring and no more, while the channel's own is put off.
#[offsched::app]
mod drained {
    use offsched::{Channel, Mail, Mutex};

    #[channels]
    struct Channels {
        #[channel(clients = 1, ring = 4096)]
        line: Channel<u32, u64>,
    }

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 2, channel = line, min_interval = 100ms)]
    fn take(mut cx: take::Context) {
        cx.channels.line.lock(|line| line.recv());
    }

    #[task(priority = 3, period = 1s, offset = 20ms, channels = [line])]
    fn drain(mut cx: drain::Context) {
        cx.channels.line.lock(|line| {
            if let Some(Mail::Message(from, _)) = line.recv() {
                assert_eq!(line.recv_msgs(from, &mut [0; 127]), 127);
            }
        });
    }

    #[task(priority = 1, period = 1s, offset = 5ms)]
    fn long(_: long::Context) {
        offsched_sim::work(60_000_000);
    }
}

/// The look behind a job passed a channel by whose task was put off, and with it the client that waited for room.
#[test]
fn a_client_that_waits_for_room_is_rung_while_its_task_is_put_off() {
    let client = Client::default();
    let config = Config::new(90.millis())
        .call_at(1_000_500, binds(&client))
        .call_at(10_000_500, fills(&client));
    let run = run::<drained::App>(&config).unwrap();
    let rings: Vec<_> = run.rings.iter().map(|(at, _)| at / 1_000_000).collect();
    assert_eq!(rings, [20], "{}", run.text());
}
