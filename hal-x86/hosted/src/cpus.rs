//! Which CPUs there are to choose from, and pinning to one.

use std::fmt;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Error;

/// CPUs by number, rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuList(Vec<usize>);

impl CpuList {
    /// The list of these CPUs.
    pub fn new(mut cpus: Vec<usize>) -> Self {
        cpus.sort_unstable();
        cpus.dedup();
        Self(cpus)
    }

    /// The list as the kernel prints it: `0-2,5`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut cpus = Vec::new();
        for part in text.trim().split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            if last >= CpuSet::MAX_CPU {
                return None;
            }
            cpus.extend(first..=last);
        }
        Some(Self::new(cpus))
    }

    /// True if the CPU is in the list.
    pub fn contains(&self, cpu: usize) -> bool {
        self.0.contains(&cpu)
    }

    /// The list without one CPU.
    pub fn without(&self, cpu: usize) -> Self {
        Self(self.0.iter().copied().filter(|one| *one != cpu).collect())
    }

    /// The CPUs.
    pub fn as_slice(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, run) in self.0.chunk_by(|a, b| a + 1 == *b).enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            match run {
                [one] => write!(f, "{one}")?,
                [first, .., last] => write!(f, "{first}-{last}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

/// The CPUs that the calling thread may run on.
///
/// # Errors
/// [`Error::System`] if the system does not say.
pub fn allowed() -> Result<CpuList, Error> {
    let set =
        sched_getaffinity(None).map_err(|error| Error::system("read the affinity mask", error))?;
    Ok(CpuList::new(
        (0..CpuSet::MAX_CPU)
            .filter(|cpu| set.is_set(*cpu))
            .collect(),
    ))
}

/// Keeps the calling thread, and the threads that it starts from now on, on
/// these CPUs. For the rest of a program that runs a core: ordinary threads on
/// the core's CPU would be gaps to it.
///
/// # Errors
/// [`Error::System`], for an empty list too.
pub fn confine_caller(cpus: &CpuList) -> Result<(), Error> {
    pin(cpus).map_err(|error| Error::system("set the affinity mask", error))
}

pub(crate) fn pin(cpus: &CpuList) -> io::Result<()> {
    let mut set = CpuSet::new();
    cpus.as_slice().iter().for_each(|cpu| set.set(*cpu));
    Ok(sched_setaffinity(None, &set)?)
}

/// The CPU for a core: the one asked for, or the last that the caller may use.
///
/// Always the last, wherever the caller happens to be at this moment: a second
/// core by default then finds the CPU taken and is refused, instead of landing
/// on the CPU that the rest of the first program was moved to.
pub(crate) fn choose(wanted: Option<usize>, available: &CpuList) -> Result<usize, Error> {
    let last = available.as_slice().last().copied();
    match wanted.or(last) {
        Some(cpu) if available.contains(cpu) => Ok(cpu),
        other => Err(Error::NoSuchCpu {
            cpu: other.unwrap_or(0),
            available: available.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_and_print_as_the_kernel_does() {
        for text in ["0", "0-2,5", "1,3,5-6", ""] {
            assert_eq!(CpuList::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(CpuList::parse("0-2\n").unwrap().as_slice(), [0, 1, 2]);
        for text in ["x", "1-", "0-99999999999", "0-99999"] {
            assert_eq!(CpuList::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_allowed_cpu_is_the_default() {
        let available = CpuList::new(vec![0, 2, 3]);
        assert_eq!(choose(None, &available).unwrap(), 3);
        assert_eq!(choose(Some(2), &available).unwrap(), 2);
        let error = choose(Some(99), &available).unwrap_err().to_string();
        assert!(
            error.contains("CPU 99") && error.contains("0,2-3"),
            "{error}"
        );
    }
}
