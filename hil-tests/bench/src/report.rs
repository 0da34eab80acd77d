//! Figures from the book: rows, what follows from them, and the verdicts.

use crate::rings;
use crate::rows::{self, Row};
use crate::series::{Book, EMPTY, Empty, Summary};
use crate::tick;

/// Width of the labels' column.
pub const LABEL_WIDTH: usize = 41;

/// The largest share of the core that a 1 us task may take.
const SHARE_MAX: f64 = 0.05;
/// The most that a dispatch among 512 tasks may take beside one among 1; beyond it, it grows.
const GROWTH_MAX: f64 = 1.25;

/// A row that was measured.
pub struct Measured {
    /// Which.
    pub row: &'static Row,
    /// Its figures.
    pub summary: Summary,
}

/// Something that follows from rows.
pub struct Derived {
    /// Its name in JSON.
    pub id: &'static str,
    /// What it is.
    pub label: &'static str,
    /// The figure.
    pub value: f64,
    /// True: a share, shown in percent. Otherwise a ratio.
    pub is_share: bool,
    /// What is good.
    pub target: Option<Bound>,
}

/// A good value's bound.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The largest good value.
    Most(f64),
    /// The least.
    Least(f64),
}

impl Bound {
    /// The number.
    pub fn value(self) -> f64 {
        match self {
            Self::Most(value) | Self::Least(value) => value,
        }
    }
}

/// All that is reported.
pub struct Report {
    /// Cycles a second.
    pub hz: u64,
    /// The step of the counter, cycles.
    pub step: u64,
    /// What reading it takes.
    pub empty: Empty,
    /// The CPU of the core.
    pub cpu: usize,
    /// Rounds.
    pub rounds: usize,
    /// Rows in order.
    pub measured: Vec<Measured>,
    /// What follows from them.
    pub derived: Vec<Derived>,
    /// Lines to read with the figures.
    pub notes: Vec<String>,
}

impl Measured {
    /// Whether the target is met, if there is one.
    pub fn is_met(&self) -> Option<bool> {
        Some(self.summary.fine <= self.row.target?)
    }
}

impl Derived {
    /// Whether the target is met, if there is one.
    pub fn is_met(&self) -> Option<bool> {
        Some(match self.target? {
            Bound::Most(most) => self.value <= most,
            Bound::Least(least) => self.value >= least,
        })
    }
}

impl Report {
    /// The report of a book.
    pub fn new(
        book: &Book,
        hz: u64,
        step: u64,
        cpu: usize,
        rounds: usize,
        notes: Vec<String>,
        rte_ring: Option<f64>,
    ) -> Self {
        let empty = book.get(EMPTY).map_or(
            Empty {
                fine: 0.0,
                single: 0,
            },
            |series| series.as_empty(),
        );
        let measured = rows::all().filter_map(|row| {
            let summary = book.get(row.id)?.summary(empty)?;
            Some(Measured { row, summary })
        });
        let mut report = Self {
            hz,
            step,
            empty,
            cpu,
            rounds,
            measured: measured.collect(),
            derived: Vec::new(),
            notes,
        };
        report.derived = report.derive();
        report
            .derived
            .extend(rings::derive(&report.measured, rte_ring));
        report
    }

    /// True if no target was missed.
    pub fn is_good(&self) -> bool {
        let rows = self.measured.iter().filter_map(Measured::is_met);
        let derived = self.derived.iter().filter_map(Derived::is_met);
        rows.chain(derived).all(|met| met)
    }

    /// A row's fine figure, cycles.
    fn fine(&self, id: &str) -> Option<f64> {
        self.measured
            .iter()
            .find(|one| one.row.id == id)
            .map(|one| one.summary.fine)
    }

    fn derive(&self) -> Vec<Derived> {
        let us = self.hz as f64 / 1e6;
        let tick = |id| Some(self.fine(id)? - self.fine(tick::IDLE)?);
        let ratio = |over: Option<f64>, under: Option<f64>| {
            over.zip(under).map(|(over, under)| over / under)
        };
        let rows = [
            (
                "share.unmeasured",
                "share of the core: 1 us task, unmeasured",
                true,
                Some(SHARE_MAX),
                tick("tick.unmeasured").map(|t| t / us),
            ),
            (
                "share.measured",
                "share of the core: 1 us task, measured",
                true,
                Some(SHARE_MAX),
                tick("tick.measured.1").map(|t| t / us),
            ),
            (
                "growth.dispatch",
                "dispatch: one of 512 / 1 task",
                false,
                Some(GROWTH_MAX),
                ratio(self.fine("dispatch.one.512"), self.fine("dispatch.one.1")),
            ),
            (
                "growth.turn",
                "dispatch: 512 in turn / 1 task",
                false,
                None,
                ratio(self.fine("dispatch.turn.512"), self.fine("dispatch.turn.1")),
            ),
            (
                "growth.release",
                "release + job: 512 in turn / 1 task",
                false,
                None,
                ratio(tick("tick.measured.512"), tick("tick.measured.1")),
            ),
            (
                "beside.embassy",
                "embassy wake + poll / our spawn",
                false,
                None,
                ratio(self.fine("peer.embassy.poll"), self.fine("spawn.whole")),
            ),
            (
                "beside.closures",
                "closure loop / our spawn",
                false,
                None,
                ratio(self.fine("peer.closures"), self.fine("spawn.whole")),
            ),
            (
                "beside.park",
                "unpark + park / our spawn",
                false,
                None,
                ratio(self.fine("peer.park"), self.fine("spawn.whole")),
            ),
        ];
        let some = rows
            .into_iter()
            .filter_map(|(id, label, is_share, target, value)| {
                Some(Derived {
                    id,
                    label,
                    value: value?,
                    is_share,
                    target: target.map(Bound::Most),
                })
            });
        some.collect()
    }
}
