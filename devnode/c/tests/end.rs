//! The application's end in C against the Rust one, with the core's end of each channel in Rust:
//! the same calls give the same answers, doorbells and words, also with a core that lies.

mod common;

use offsched_abi::PAGE_BYTES;
use offsched_abi::channel::{AppEnd, ChannelState, ChannelView, CoreEnd, Wait};
use offsched_abi::message::MessageType;
use offsched_abi::region::ServiceEntry;
use offsched_abi::sync::{AtomicU64, Ordering};
use proptest::prelude::*;

use common::{recv_errno, send_errno};

const RING_BYTES: usize = 4096;
/// The longest message that its rings take, and the one length where there is one.
const LONGEST: usize = 2032;
const WORDS: usize = (PAGE_BYTES + 2 * RING_BYTES) / 8;

/// A channel as it is mapped.
#[repr(C, align(4096))]
struct Pages([AtomicU64; WORDS]);

struct Memory {
    state: ChannelState,
    pages: Box<Pages>,
}

impl Memory {
    fn new() -> Self {
        Self {
            state: ChannelState::new(),
            pages: Box::new(Pages([const { AtomicU64::new(0) }; WORDS])),
        }
    }

    fn view(&self, service: &ServiceEntry) -> ChannelView<'_> {
        let base = self.pages.0.as_ptr().cast_mut().cast();
        // SAFETY: a control page and twice the ring's bytes, page aligned, borrowed with the
        // result, and only accessed as atomic words.
        unsafe { ChannelView::from_raw(&self.state, base, service) }.unwrap()
    }

    fn words(&self) -> Vec<u64> {
        let words = self.pages.0.iter();
        words.map(|word| word.load(Ordering::Relaxed)).collect()
    }
}

/// With messages of any length; or with one each way, whose type is stated.
fn service(equal: bool) -> ServiceEntry {
    let stated = MessageType {
        id: u64::from(equal),
        ..MessageType::default()
    };
    ServiceEntry {
        clients: 1,
        ring_bytes: RING_BYTES as u32,
        rx_size: 24,
        tx_size: LONGEST as u32,
        rx_type: stated,
        tx_type: stated,
        ..ServiceEntry::default()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Flush,
    Recv(usize),
    SleepUntil(Wait),
    Awake,
    CoreLook,
    CoreSend(usize),
    CoreRecv,
    CoreSleep,
    CoreAwake,
    /// Linux's side closes the channel, and opens it for another.
    Close,
    /// A word of the control page becomes anything.
    Scribble(usize, u64),
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        Just(Wait::Mail),
        (0usize..2100).prop_map(Wait::Room),
        (0usize..2100).prop_map(Wait::Either)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // Wake words, tails and heads: words 0, 16, 32, 48, 64, 80 of the page; and what lies beside each.
    let word = prop_oneof![
        3 => (0usize..6).prop_map(|line| line * 16),
        1 => 0usize..96,
    ];
    prop_oneof![
        60 => (0usize..2100).prop_map(Step::Push),
        60 => Just(Step::Flush),
        60 => prop_oneof![3 => Just(2100usize), 1 => 0usize..100].prop_map(Step::Recv),
        30 => wait().prop_map(Step::SleepUntil),
        20 => Just(Step::Awake),
        20 => Just(Step::CoreLook),
        60 => (0usize..2100).prop_map(Step::CoreSend),
        60 => Just(Step::CoreRecv),
        30 => Just(Step::CoreSleep),
        20 => Just(Step::CoreAwake),
        1 => Just(Step::Close),
        3 => (word, prop_oneof![0u64..4, any::<u64>()]).prop_map(|(at, n)| Step::Scribble(at, n)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ends_do_the_same(equal in any::<bool>(), steps in prop::collection::vec(step(), 1..400)) {
        let (ours, theirs, service) = (Memory::new(), Memory::new(), service(equal));
        let likely = |len: usize, one| if equal && !len.is_multiple_of(8) { one } else { len };
        let epoch = ours.view(&service).open().unwrap();
        prop_assert_eq!(theirs.view(&service).open(), Some(epoch));
        let mut app = AppEnd::new(ours.view(&service), epoch);
        let mut c_app = offsched_c::AppEnd::attach(&theirs.state, &theirs.pages.0, &service, epoch).unwrap();
        let (mut core, mut c_core) = (CoreEnd::new(ours.view(&service)), CoreEnd::new(theirs.view(&service)));
        prop_assert_eq!(core.look(), c_core.look());
        let (mut buf, mut c_buf) = ([0; 2100], [0; 2100]);
        for (count, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(len) => {
                    let payload = vec![count as u8; likely(len, 24)];
                    prop_assert_eq!(app.push(&payload).map_err(send_errno), c_app.push(&payload));
                }
                Step::Flush => prop_assert_eq!(app.flush().ring_doorbell, c_app.flush()),
                Step::Recv(size) => {
                    let got = app.try_recv(&mut buf[..size]).map_err(recv_errno);
                    let c_got = c_app.pop(&mut c_buf[..size]);
                    prop_assert_eq!(got, c_got);
                    if c_got.is_ok() {
                        c_app.release();
                    }
                    prop_assert_eq!(&buf[..], &c_buf[..]);
                }
                Step::SleepUntil(wait) => {
                    prop_assert_eq!(app.sleep_until(wait), c_app.sleep_until(wait));
                }
                Step::Awake => {
                    app.awake();
                    c_app.awake();
                }
                Step::CoreLook => prop_assert_eq!(core.look(), c_core.look()),
                Step::CoreSend(len) => {
                    let payload = vec![count as u8; likely(len, LONGEST)];
                    prop_assert_eq!(core.try_send(&payload), c_core.try_send(&payload));
                }
                Step::CoreRecv => {
                    let got = core.try_recv(&mut buf);
                    prop_assert_eq!(got, c_core.try_recv(&mut c_buf));
                    prop_assert_eq!(&buf[..], &c_buf[..]);
                }
                Step::CoreSleep => {
                    prop_assert_eq!(core.sleep_until_mail(), c_core.sleep_until_mail());
                }
                Step::CoreAwake => {
                    core.awake();
                    c_core.awake();
                }
                Step::Close => {
                    for memory in [&ours, &theirs] {
                        memory.state.close();
                        memory.state.retire();
                        memory.view(&service).open();
                    }
                }
                Step::Scribble(at, number) => {
                    for memory in [&ours, &theirs] {
                        memory.pages.0[at].store(number, Ordering::Relaxed);
                    }
                }
            }
            prop_assert_eq!(ours.words(), theirs.words());
        }
    }
}
