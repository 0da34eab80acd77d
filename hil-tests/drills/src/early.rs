//! A fault before the image has made its region: there is a record all the same.
#![allow(unsafe_code)]

use offsched::abi::image::Needs;

/// An app that cannot even say what it is made of.
#[derive(Debug)]
pub struct App;

impl App {
    /// What its image needs of shared memory: nothing of its own.
    pub const NEEDS: Needs = Needs {
        services: 0,
        channels: 0,
        tasks: 0,
        channel_bytes: 0,
    };
}

// SAFETY: there are no tables: nobody gets as far as having them.
unsafe impl offsched::App for App {
    const NAME: &'static str = "early";

    fn image() -> &'static offsched::Image<'static> {
        crate::faults::wild_read();
        panic!("came back from nowhere");
    }
}
