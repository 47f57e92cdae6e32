//! Processes on the core they are given, and what they use of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::stats::{per, rounded};

/// How long an orderly end may take.
const END: Duration = Duration::from_secs(30);
/// Clock ticks per second in `/proc`: the same on every Linux.
const TICKS: f64 = 100.0;

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: u32,
    log: PathBuf,
}

/// How to start one.
#[derive(Debug)]
pub struct Start<'a> {
    /// The core it may use.
    pub core: &'a str,
    /// The executable.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [&'a str],
    /// What its environment has beside ours.
    pub environment: &'a [(String, String)],
    /// Where its output goes.
    pub log: PathBuf,
}

impl Process {
    /// Starts one.
    pub fn start(start: Start<'_>) -> anyhow::Result<Self> {
        let log = File::create(&start.log).with_context(|| format!("cannot write {}", start.log.display()))?;
        let mut command = Command::new("taskset");
        command.args(["-c", start.core]).arg(start.program).args(start.arguments);
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {}", start.program.display()))?;
        // taskset becomes the program, so that this is its own id.
        let pid = child.id().context("the process has no id")?;
        Ok(Self { child, pid, log: start.log })
    }

    /// Its id.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Fails if it has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("a process ended with {status}; its log is {}", self.log.display()),
        }
    }

    /// Asks it to end, and waits for that.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().await?;
        if tokio::time::timeout(END, self.child.wait()).await.is_err() {
            self.child.kill().await?;
            bail!("a process had to be killed; its log is {}", self.log.display());
        }
        Ok(())
    }

    /// A number of `/proc/…/status` such as `VmHWM`, in megabytes.
    pub fn memory_mb(&self, what: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
        let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
        kilobytes.map(f64::from).unwrap_or_default() / 1024.0
    }
}

/// Whose use of the processor is told.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Name and process id; a service's own children count as the service.
    watched: Vec<(&'static str, u32)>,
}

/// What was used up to a moment.
#[derive(Debug)]
pub struct Used {
    at: Instant,
    seconds: BTreeMap<&'static str, f64>,
}

/// What was used between two moments.
#[derive(Debug, Clone)]
pub struct Spent {
    wall: f64,
    seconds: BTreeMap<&'static str, f64>,
}

impl Watch {
    /// Watches these and ourselves, which is the load generator.
    pub fn new(processes: &[(&'static str, u32)]) -> Self {
        let mut watched = processes.to_vec();
        watched.push(("generator", std::process::id()));
        Self { watched }
    }

    /// What they have used up to now.
    pub fn used(&self) -> Used {
        let mut seconds = BTreeMap::new();
        let all: Vec<Stat> = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| Stat::read(&entry.path())).collect();
        for (name, pid) in &self.watched {
            let own = all.iter().filter(|stat| stat.pid == *pid).map(|stat| stat.own + if *name == "postgres" { stat.children } else { 0.0 });
            let children = all.iter().filter(|stat| *name == "postgres" && stat.parent == *pid).map(|stat| stat.own);
            *seconds.entry(*name).or_insert(0.0) += own.chain(children).sum::<f64>() / TICKS;
        }
        Used { at: Instant::now(), seconds }
    }

    /// What they have used since.
    pub fn since(&self, before: &Used) -> Spent {
        let now = self.used();
        let seconds = now.seconds.iter().map(|(name, used)| (*name, (used - before.seconds.get(name).copied().unwrap_or_default()).max(0.0)));
        Spent { wall: now.at.duration_since(before.at).as_secs_f64(), seconds: seconds.collect() }
    }
}

impl Spent {
    /// Which part of a core a process used.
    pub fn share(&self, name: &str) -> f64 {
        per(self.seconds.get(name).copied().unwrap_or_default(), self.wall)
    }

    /// The largest share of those that make the load.
    pub fn load_share(&self) -> f64 {
        self.share("generator").max(self.share("simulators"))
    }

    /// Share of a core, and microseconds for each of so many requests.
    pub fn to_json(&self, requests: f64) -> Value {
        let of = |(name, seconds): (&&'static str, &f64)| {
            let told = json!({ "core_share": rounded(per(*seconds, self.wall)), "cpu_us_per_request": rounded(per(*seconds * 1e6, requests)) });
            ((*name).to_owned(), told)
        };
        Value::Object(self.seconds.iter().map(of).collect())
    }

    /// The same for a reader.
    pub fn line(&self, requests: f64) -> String {
        let of = |(name, seconds): (&&'static str, &f64)| {
            format!("{name} {:.0} % of a core, {:.0} µs each", per(*seconds, self.wall) * 100.0, per(*seconds * 1e6, requests))
        };
        self.seconds.iter().map(of).collect::<Vec<_>>().join("; ")
    }
}

/// One line of `/proc/…/stat`, times in ticks.
struct Stat {
    pid: u32,
    parent: u32,
    own: f64,
    children: f64,
}

impl Stat {
    fn read(folder: &Path) -> Option<Self> {
        let pid = folder.file_name()?.to_str()?.parse().ok()?;
        let text = std::fs::read_to_string(folder.join("stat")).ok()?;
        Self::parse(pid, &text)
    }

    fn parse(pid: u32, text: &str) -> Option<Self> {
        // The name may hold anything, brackets too; what follows the last one is numbers.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
        let sum = |one: usize, other: usize| Some(f64::from(number(one)?) + f64::from(number(other)?));
        Some(Self { pid, parent: number(1)?, own: sum(11, 12)?, children: sum(13, 14)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_behind_the_last_bracket() {
        let stat = Stat::parse(7, "7 (a) b (c) S 3 7 7 0 -1 4194560 100 0 0 0 150 50 30 20 20 0 1 0 100 1000 10").unwrap();
        assert_eq!((stat.pid, stat.parent), (7, 3));
        assert!((stat.own - 200.0).abs() < 1e-9 && (stat.children - 50.0).abs() < 1e-9);
    }

    #[test]
    fn what_we_use_ourselves_is_counted() {
        let watch = Watch::new(&[]);
        let before = watch.used();
        let began = Instant::now();
        let mut sum = 0_u64;
        while began.elapsed() < Duration::from_millis(300) {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert!(watch.since(&before).share("generator") > 0.2, "{sum}");
    }
}
