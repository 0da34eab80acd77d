//! The timer service's module, as apps include it. See [`timer`].

mod book;
mod messages;
mod running;

/// One-shot and periodic timers with a tick of 1 us, for applications.
///
/// The tick looks at a timing wheel every microsecond, above the service's other tasks, and stamps what expires;
/// telling the applications is left to a lower task, so that a client that does not read costs the tick nothing.
/// An application binds `timer` (or the name that the app gave the service), sends [`Request`](timer::Request)s
/// and receives [`Reply`](timer::Reply)s.
///
/// Its tasks declare no budgets and no least intervals: how long a job takes is the platform's, and on a hosted core
/// any budget below the tick is overrun now and then; a least interval would delay the replies. So the app's tasks at
/// and below its levels (`base` + 1 and + 2) have no response-time bounds, and are refused only if they miss their
/// deadlines without it. Tasks above its levels keep their bounds: whatever needs one goes there, and makes the tick
/// later by what it takes.
#[offsched::service]
pub mod timer {
    use offsched::{Channel, ClientId, Clock, Lock, Mail, Mutex};

    pub use super::book::{Book, CLIENTS_MAX};
    pub use super::messages::*;
    pub use super::running::{EXPIRIES_PER_TICK, Expiry, Running, TIMERS_MAX};

    /// Messages that one job of `control` or `deliver` handles; the rest releases it again.
    const MESSAGES_PER_JOB: usize = 16;

    /// `running` is the tick's too, `book` is not.
    #[shared]
    pub struct Shared {
        running: Running,
        book: Book,
    }

    #[channels]
    struct Channels {
        #[channel(clients = 8, ring = 16384)]
        control: Channel<Request, Reply>,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared {
            running: Running::new(),
            book: Book::new(),
        }
    }

    /// Looks at the wheel.
    #[task(priority = 2, period = 1us, on_miss = skip, shared = [running])]
    fn tick(mut cx: tick::Context) {
        let now_us = cx.release.as_ticks();
        let clock = cx.clock;
        let expired = cx
            .shared
            .running
            .lock(|running| running.is_due(now_us) && running.expire(now_us, clock.cycles()));
        if expired {
            // Full means that it is already on its way.
            let _ = cx.spawn.deliver.spawn(());
        }
    }

    /// Tells the applications what has expired.
    #[task(priority = 1, event, channels = [control], shared = [running, book])]
    fn deliver(mut cx: deliver::Context) {
        for _ in 0..MESSAGES_PER_JOB {
            let Some((number, expiry)) = cx.shared.running.lock(Running::take) else {
                return;
            };
            let Some((client, id)) = cx.shared.book.lock(|book| book.owner(number)) else {
                continue;
            };
            if expiry.count == 0 {
                continue;
            }
            cx.shared.book.lock(|book| {
                book.add_untold(client, expiry.count - 1);
                if expiry.one_shot {
                    book.strike(number);
                }
            });
            let reply = Reply {
                kind: EXPIRED,
                id,
                due_us: expiry.due_us,
                at_cycles: expiry.at_cycles,
                untold: 0,
            };
            tell(&mut cx.channels.control, &mut cx.shared.book, client, reply);
        }
        let _ = cx.spawn.deliver.spawn(());
    }

    /// Takes the applications' requests.
    #[task(priority = 1, channel = control, shared = [running, book])]
    fn control(mut cx: control::Context) {
        for _ in 0..MESSAGES_PER_JOB {
            let Some(mail) = cx.channels.control.lock(Channel::recv) else {
                return;
            };
            match mail {
                Mail::Message(client, request) => {
                    let shared = &mut cx.shared;
                    let (kind, due_us) = answer(
                        &mut shared.running,
                        &mut shared.book,
                        client,
                        &request,
                        cx.clock,
                    );
                    let at_cycles = cx.clock.cycles();
                    let reply = Reply {
                        kind,
                        id: request.id,
                        due_us,
                        at_cycles,
                        untold: 0,
                    };
                    tell(&mut cx.channels.control, &mut shared.book, client, reply);
                }
                Mail::Closed(client) => forget(&mut cx.shared.running, &mut cx.shared.book, client),
                Mail::Opened(_) | Mail::Bad(_) => {}
            }
        }
    }

    /// Does what a request asks: the reply's kind and tick.
    fn answer(
        running: &mut Lock<'_, Running>,
        book: &mut Lock<'_, Book>,
        client: ClientId,
        request: &Request,
        clock: Clock<'_>,
    ) -> (u32, u64) {
        match request.kind {
            START => match book.lock(|book| book.enter(client, request.id)) {
                Some(number) => {
                    let due_us = clock
                        .now()
                        .as_ticks()
                        .saturating_add(request.delay_us.max(1));
                    running.lock(|running| running.start(number, due_us, request.period_us));
                    (STARTED, due_us)
                }
                None => (NO_TIMER_LEFT, 0),
            },
            CANCEL => match book.lock(|book| book.find(client, request.id)) {
                Some(number) => {
                    running.lock(|running| running.end(number));
                    book.lock(|book| book.strike(number));
                    (CANCELLED, 0)
                }
                None => (UNKNOWN, 0),
            },
            _ => (BAD_REQUEST, 0),
        }
    }

    /// Ends all timers of an application that is gone.
    fn forget(running: &mut Lock<'_, Running>, book: &mut Lock<'_, Book>, client: ClientId) {
        for _ in 0..TIMERS_MAX {
            let Some(number) = book.lock(|book| book.any_of(client)) else {
                break;
            };
            running.lock(|running| running.end(number));
            book.lock(|book| book.strike(number));
        }
        book.lock(|book| book.clear_untold(client));
    }

    /// Sends a message, with the number of those lost before it; one that does not go in is lost and counted.
    fn tell(
        control: &mut Lock<'_, Channel<Request, Reply>>,
        book: &mut Lock<'_, Book>,
        client: ClientId,
        reply: Reply,
    ) {
        let untold = book.lock(|book| book.untold(client));
        let sent = control.lock(|control| control.send(client, &Reply { untold, ..reply }));
        book.lock(|book| match sent {
            Ok(()) => book.clear_untold(client),
            Err(_) => book.add_untold(client, 1),
        });
    }
}
