//! The alarm and the doorbell: a timer of one thread, and a signal to it.
//!
//! Both are the same real-time signal, sent to the core thread only. Its
//! handler is installed once in a process, for all cores in it, with
//! SA_NODEFER: a handler may interrupt itself, since what it dispatches is to
//! be preempted in turn.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

/// A signal handler.
pub(crate) type OnSignal = extern "C" fn(libc::c_int);

/// Installs the handler on the first real-time signal that nobody uses, once
/// in a process. Returns the signal's number.
pub(crate) fn install(handler: OnSignal) -> io::Result<i32> {
    static SIGNAL: OnceLock<Option<i32>> = OnceLock::new();
    SIGNAL
        .get_or_init(|| {
            (libc::SIGRTMIN() + 1..=libc::SIGRTMAX())
                .find(|signal| install_on(*signal, handler).unwrap_or(false))
        })
        .ok_or_else(|| io::Error::other("every real-time signal is in use"))
}

/// False if somebody else has a handler there.
fn install_on(signal: i32, handler: OnSignal) -> io::Result<bool> {
    let mut found = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: `found` is writable and a null new action only asks.
    checked(unsafe { libc::sigaction(signal, ptr::null(), found.as_mut_ptr()) })?;
    // SAFETY: the successful call above has filled it.
    if unsafe { found.assume_init() }.sa_sigaction != libc::SIG_DFL {
        return Ok(false);
    }
    // SAFETY: all zero is a valid sigaction: default action, empty mask, no flags.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_NODEFER | libc::SA_RESTART;
    // SAFETY: the action is initialised; the handler has the C ABI of a handler without SA_SIGINFO, keeps errno, never
    // unwinds, and does nothing on a thread that is no core (see `thread`).
    checked(unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) })?;
    Ok(true)
}

/// Blocks every signal on the calling thread but `signal` and those that say
/// that the thread itself has gone wrong. Signals sent to the process then go
/// to its other threads and do not disturb the core.
pub(crate) fn block_all_but(signal: i32) -> io::Result<()> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset initialises the set it is given; the others then work on an initialised one.
    let set = unsafe {
        libc::sigfillset(set.as_mut_ptr());
        let mut set = set.assume_init();
        let own = [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGABRT,
        ];
        for one in own.into_iter().chain([signal]) {
            libc::sigdelset(&raw mut set, one);
        }
        set
    };
    set_mask(&set)
}

/// Sleeps for good: whatever signal comes, this never returns.
pub(crate) fn sleep_for_good() -> ! {
    loop {
        // SAFETY: pause has no arguments and touches no memory.
        unsafe { libc::pause() };
    }
}

fn set_mask(set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: the set is initialised; a null pointer for the old one is allowed.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, set, ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Sleeps until `signal` comes, for at most `longest_ns`; not at all if `came`, which is asked with the signal blocked:
/// one that comes between that and the sleep ends the sleep. The calling thread has the signal unblocked.
pub(crate) fn sleep(signal: i32, longest_ns: u64, came: impl FnOnce() -> bool) {
    let longest = libc::timespec {
        tv_sec: (longest_ns / 1_000_000_000) as i64,
        tv_nsec: (longest_ns % 1_000_000_000) as i64,
    };
    let mut only = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that is then added to. The second set is written by the first
    // pthread_sigmask, which with these arguments cannot fail, and the calls behind it read it. ppoll is given no files.
    // It returns at the signal, after its handler, or when the time is over: either way there is nothing to be told.
    unsafe {
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_BLOCK, only.as_ptr(), before.as_mut_ptr());
        if !came() {
            libc::ppoll(ptr::null_mut(), 0, &raw const longest, before.as_ptr());
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
    }
}

/// Has the kernel wake the calling thread from its sleeps when it is time, and not up to 50 us later.
pub(crate) fn wake_in_time() {
    // SAFETY: sets a number of the calling thread. It cannot fail; if it did, wake-ups would be later.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// Sends `signal` to one thread of this process.
pub(crate) fn send(thread: i32, signal: i32) -> io::Result<()> {
    // SAFETY: tgkill takes three integers. A thread that has ended gives ESRCH; a thread of this process that got its
    // number later is no core, or another core, and takes the signal for a doorbell without mail.
    match unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs `body` with errno as it was afterwards: what a signal handler owes to
/// the code that it interrupted.
pub(crate) fn keeping_errno<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: the location is this thread's own and valid as long as it lives.
    let errno = unsafe { *libc::__errno_location() };
    let result = body();
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
    result
}

/// A one-shot timer that signals the thread that made it.
#[derive(Debug)]
pub(crate) struct Timer {
    id: libc::timer_t,
    thread: i32,
    signal: i32,
}

impl Timer {
    /// A timer for the calling thread.
    pub fn of_this_thread(signal: i32) -> io::Result<Self> {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        // SAFETY: all zero is a valid sigevent; the fields that count are set below.
        let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        event.sigev_notify_thread_id = thread;
        let mut id = MaybeUninit::<libc::timer_t>::uninit();
        // SAFETY: the event is initialised, and `id` is written when the call succeeds.
        checked(unsafe {
            libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, id.as_mut_ptr())
        })?;
        Ok(Self {
            // SAFETY: the call above has succeeded.
            id: unsafe { id.assume_init() },
            thread,
            signal,
        })
    }

    /// The thread's number.
    pub fn thread(&self) -> i32 {
        self.thread
    }

    /// The signal's number.
    pub fn signal(&self) -> i32 {
        self.signal
    }

    /// Signals the thread after so many nanoseconds, in place of an earlier
    /// setting; at once for 0.
    pub fn set(&self, after_ns: u64) {
        if after_ns == 0 || self.settime(after_ns).is_err() {
            // Can fail only for want of memory in the kernel; then the core's next look at the clock has to do.
            let _ = send(self.thread, self.signal);
        }
    }

    /// Takes the setting back.
    pub fn clear(&self) {
        // A timer that exists can be cleared; if not, it fires for nothing, which is allowed.
        let _ = self.settime(0);
    }

    fn settime(&self, after_ns: u64) -> io::Result<()> {
        let setting = libc::itimerspec {
            it_interval: libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: libc::timespec {
                tv_sec: (after_ns / 1_000_000_000).min(i64::MAX as u64) as i64,
                tv_nsec: (after_ns % 1_000_000_000) as i64,
            },
        };
        // SAFETY: the timer exists as long as self; the setting is initialised; no old one is asked for.
        checked(unsafe { libc::timer_settime(self.id, 0, &raw const setting, ptr::null_mut()) })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: made by `of_this_thread` and deleted only here.
        unsafe { libc::timer_delete(self.id) };
    }
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
