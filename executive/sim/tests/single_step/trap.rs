//! The trap flag: a signal after every instruction of this thread.

use std::arch::asm;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The trap flag in EFLAGS: Intel SDM volume 3, 19.3.1.4.
const TRAP_FLAG: i64 = 0x100;

static STEPS: AtomicU64 = AtomicU64::new(0);

/// Starts to step, from the instruction after the next.
#[inline(always)]
pub fn start() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(install);
    STEPS.store(0, Relaxed);
    // SAFETY: changes one flag, and the stack as pushes do (no `nostack`, so there is no red zone here); the handler is
    // installed.
    unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
}

/// Ends stepping.
#[inline(always)]
pub fn stop() {
    // SAFETY: as in start.
    unsafe { asm!("pushfq", "and qword ptr [rsp], -0x101", "popfq") };
}

/// Instructions stepped over since the last start.
pub fn steps() -> u64 {
    STEPS.load(Relaxed)
}

fn install() {
    // SAFETY: a sigaction of zeros is a valid one, then filled in; the handler has the signature that SA_SIGINFO asks
    // for, allocates nothing and locks nothing, and what it calls is meant to be called between any two instructions.
    let installed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_trap as extern "C" fn(_, _, _) as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(libc::SIGTRAP, &action, std::ptr::null_mut())
    };
    assert_eq!(installed, 0, "no handler for SIGTRAP");
}

/// Runs with the trap flag clear, as every signal handler does; the return sets it again.
extern "C" fn on_trap(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let step = STEPS.load(Relaxed) + 1;
    STEPS.store(step, Relaxed);
    if !super::scene::after_instruction(step) {
        // SAFETY: the kernel hands a handler under SA_SIGINFO a valid context, which is this handler's until it returns.
        let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
        context.uc_mcontext.gregs[libc::REG_EFL as usize] &= !TRAP_FLAG;
    }
}
