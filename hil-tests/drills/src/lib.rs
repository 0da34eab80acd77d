//! Apps for a bare core's drills: most go wrong, each in one way; some serve applications.
//!
//! For images only: most of them would take a process down with them. Whatever
//! happens, happens in a job, so `init` has run and the core says `running`.
#![no_std]
#![deny(unsafe_code)]

pub mod big;
pub mod early;
pub mod echo;
mod faults;
pub mod keep;
pub mod nested;
mod registers;
pub mod steady;
pub mod stream;

/// All of them, for whoever builds the images.
pub const NAMES: [&str; 23] = [
    "big",
    "divide",
    "double_fault",
    "early",
    "echoes",
    "keep",
    "nested",
    "opcode",
    "overflow",
    "page_fault",
    "panic",
    "protection",
    "quiet",
    "run_data",
    "run_stack",
    "steady",
    "strays",
    "stream",
    "timers",
    "uart",
    "wedge",
    "write_code",
    "write_params",
];

/// Declares an app whose only job prints `before` and calls a function.
macro_rules! drill {
    ($name:ident, $what:path, $doc:literal) => {
        #[doc = $doc]
        pub mod $name {
            pub use app::App;

            /// The app.
            #[offsched::app]
            pub mod app {
                use core::fmt::Write;

                #[init]
                fn init(_: init::Context) {
                    job::spawn().unwrap();
                }

                #[task(priority = 1, event)]
                fn job(mut cx: job::Context) {
                    writeln!(cx.console, "before").unwrap();
                    $what();
                    writeln!(cx.console, "after").unwrap();
                }
            }
        }
    };
}

drill!(
    quiet,
    crate::faults::nothing,
    "Does nothing until it is asked to stop."
);
drill!(
    strays,
    crate::faults::strays,
    "Raises interrupts that are meant for nobody."
);
drill!(panic, crate::faults::panic, "Panics.");
drill!(
    page_fault,
    crate::faults::wild_read,
    "Reads where nothing is."
);
drill!(
    write_code,
    crate::faults::write_code,
    "Writes into its own code."
);
drill!(
    write_params,
    crate::faults::write_params,
    "Writes into the parameters, which are Linux's."
);
drill!(
    run_data,
    crate::faults::run_data,
    "Runs what is in a variable."
);
drill!(
    run_stack,
    crate::faults::run_stack,
    "Runs what is on the stack."
);
drill!(
    uart,
    crate::faults::last_words,
    "Panics; for an image with a UART."
);
drill!(divide, crate::faults::divide, "Divides by zero.");
drill!(
    protection,
    crate::faults::protection,
    "Uses an address that is none."
);
drill!(
    opcode,
    crate::faults::opcode,
    "Runs what is no instruction."
);
drill!(overflow, crate::faults::overflow, "Uses up the stack.");
drill!(
    double_fault,
    crate::faults::double_fault,
    "Faults where the fault's own handler cannot be found."
);
drill!(wedge, crate::faults::wedge, "Loops with interrupts off.");

/// Declares an app of nothing but a service.
macro_rules! serve {
    ($name:ident, $alias:ident = $service:path, $doc:literal) => {
        #[doc = $doc]
        pub mod $name {
            pub use app::App;

            /// The app.
            #[offsched::app(services = [$alias = $service])]
            pub mod app {
                #[init]
                fn init(_: init::Context) {}
            }
        }
    };
}

serve!(
    timers,
    timer = offsched_services::timer,
    "Timers for applications."
);
serve!(
    echoes,
    echo = crate::echo::echo,
    "Answers, and sleeps when nobody asks."
);
