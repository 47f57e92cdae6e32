//! The clocks: the machine's, and one that tests move for several processes at once.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orderbridge_schema::clock::Clock;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The machine's clock plus an offset that a file holds: milliseconds as a decimal integer, read at every look, none if there is no
/// such file. The simulators read the same file.
#[derive(Debug, Clone)]
pub struct OffsetClock {
    file: PathBuf,
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        let system = Timestamp::now();
        let offset_ms: i64 = std::fs::read_to_string(&self.file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        system.checked_add(SignedDuration::from_millis(offset_ms)).unwrap_or(system)
    }
}

/// The clock that the settings ask for.
pub fn clock(offset_file: Option<PathBuf>) -> Arc<dyn Clock> {
    match offset_file {
        Some(file) => Arc::new(OffsetClock { file }),
        None => Arc::new(SystemClock),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_read_at_every_look_and_rubbish_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("offset");
        let clock = OffsetClock { file: file.clone() };
        let hours = || (clock.now().duration_since(Timestamp::now()).as_secs() + 1800).div_euclid(3600);
        assert_eq!(hours(), 0);
        for (text, expected) in [("7200000\n", 2), ("-3600000", -1), ("soon", 0), ("9223372036854775807", 0)] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(hours(), expected, "{text}");
        }
    }
}
