//! Quotas of CPU time, which end a core's turn as those of any other thread.

use std::path::{Component, Path, PathBuf};

use super::{System, Warning};

impl System {
    /// cgroup v2: the process's own group and all above it, as far as they can be seen.
    pub(super) fn quota(&self) -> Option<Warning> {
        let groups = self.read("proc/self/cgroup")?;
        let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        // A group outside of the namespace shows as `..`.
        let seen = |part: &Component<'_>| matches!(part, Component::Normal(_));
        let own: PathBuf = Path::new(own).components().take_while(seen).collect();
        let quotas = own.ancestors().filter_map(|group| self.quota_of(group));
        let share = |(_, run, period): &(String, u64, u64)| *run as f64 / *period as f64;
        let (group, run_us, period_us) =
            quotas.min_by(|one, other| share(one).total_cmp(&share(other)))?;
        Some(Warning::Quota {
            group,
            run_us,
            period_us,
        })
    }

    /// A group's name, quota and period; `None` without a quota. The root has no such file, but in a container.
    fn quota_of(&self, group: &Path) -> Option<(String, u64, u64)> {
        let text = self.read(Path::new("sys/fs/cgroup").join(group).join("cpu.max"))?;
        let (run, period) = text.split_once(' ')?;
        let name = format!("/{}", group.display());
        // "max" is no number.
        Some((name, run.parse().ok()?, period.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::system;

    #[test]
    fn the_quota_of_a_container_is_seen_from_inside() {
        let inside = |group: &str| {
            let files = [
                ("proc/self/cgroup", group),
                ("sys/fs/cgroup/cpu.max", "50000 100000\n"),
            ];
            let system = system("container", &files);
            let found = system.quota();
            std::fs::remove_dir_all(system.root).unwrap();
            found.map(|found| found.to_string())
        };
        let found = inside("0::/\n").unwrap();
        assert!(
            found.starts_with("cgroup / may run for 50 of every 100 ms"),
            "{found}"
        );
        assert_eq!(inside("0::/../../elsewhere\n"), Some(found));
        assert_eq!(inside("4:cpu:/a\n"), None);
    }
}
