//! What the simulation's tests share: random task sets, and checks of a run's record.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod check;
pub mod generate;
pub mod timeline;
