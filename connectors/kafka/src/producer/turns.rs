//! Which records of one topic go into one batch, when it leaves, and to which partition.
//!
//! The client library sends a request per partition, and a request costs the brokers and us far more than a record in it. Spread by
//! key over twelve partitions, nearly every webhook was a request of its own. Here what comes while a batch is under way is the next
//! batch, and each batch goes to one partition, the next in turn, a moment after the one before at the earliest: without load nothing
//! waits, under load requests carry much. Nothing needs the order of records, so that the key need not choose the partition.
//!
//! (The library's own ways to the same end fill a request per partition, or keep a core busy while the one request is in flight.)

use std::time::{Duration, Instant};

/// After this time a batch is not waited for any more: its partition may have lost its leader, the others have not.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);
/// The least time between two batches: with less the brokers and we would spend what load leaves us on ever smaller ones.
pub(super) const SPACING: Duration = Duration::from_millis(2);
/// Most records of a batch.
const RECORDS_MAX: usize = 2_000;

/// One topic's waiting records and batches that are under way.
#[derive(Debug)]
pub(super) struct Turns<W> {
    waiting: Vec<(W, usize)>,
    /// Of what waits and of what is under way.
    bytes: usize,
    under_way: Vec<UnderWay>,
    turn: i32,
    batches: u64,
    left_at: Option<Instant>,
}

#[derive(Debug)]
struct UnderWay {
    id: u64,
    partition: Option<i32>,
    began: Instant,
    bytes: usize,
}

/// Records that leave together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch<W> {
    /// Names it until its end.
    pub(super) id: u64,
    /// Where it goes; by the records' keys as long as nobody knows how many partitions there are.
    pub(super) partition: Option<i32>,
    /// What it holds; never empty.
    pub(super) records: Vec<W>,
}

impl<W> Default for Turns<W> {
    fn default() -> Self {
        Self { waiting: Vec::new(), bytes: 0, under_way: Vec::new(), turn: 0, batches: 0, left_at: None }
    }
}

impl<W> Turns<W> {
    /// Takes a record in; false if more than `bytes_max` would wait or be under way then, although what waits and nobody waits for any
    /// more has left.
    pub(super) fn push(&mut self, record: W, bytes: usize, bytes_max: usize, is_waited_for: impl Fn(&W) -> bool) -> bool {
        if self.bytes.saturating_add(bytes) > bytes_max {
            self.waiting.retain(|(waiting, _)| is_waited_for(waiting));
            self.bytes = self.waiting.iter().map(|(_, bytes)| bytes).chain(self.under_way.iter().map(|batch| &batch.bytes)).sum();
        }
        let fits = self.bytes.saturating_add(bytes) <= bytes_max;
        if fits {
            self.waiting.push((record, bytes));
            self.bytes += bytes;
        }
        fits
    }

    /// The batch that leaves now, if one does. It is under way until [`end`](Self::end).
    pub(super) fn next(&mut self, partitions: i32, now: Instant) -> Option<Batch<W>> {
        let is_awaited = self.under_way.iter().any(|batch| now.saturating_duration_since(batch.began) < PATIENCE);
        if self.waiting.is_empty() || is_awaited || self.spaced_until(now).is_some() {
            return None;
        }
        let partition = self.free_partition(partitions)?;
        let count = self.waiting.len().min(RECORDS_MAX);
        let taken: Vec<(W, usize)> = self.waiting.drain(..count).collect();
        let bytes = taken.iter().map(|(_, bytes)| bytes).sum();
        self.batches += 1;
        self.left_at = Some(now);
        self.under_way.push(UnderWay { id: self.batches, partition, began: now, bytes });
        Some(Batch { id: self.batches, partition, records: taken.into_iter().map(|(record, _)| record).collect() })
    }

    /// When the next batch may leave as far as its distance from the one before goes, if that is still to come.
    pub(super) fn spaced_until(&self, now: Instant) -> Option<Instant> {
        self.left_at.map(|at| at + SPACING).filter(|until| *until > now)
    }

    /// The next partition in turn without a batch under way; the outer `None` is none.
    fn free_partition(&mut self, partitions: i32) -> Option<Option<i32>> {
        if partitions <= 0 {
            return self.under_way.is_empty().then_some(None);
        }
        let free = (0..partitions).map(|step| (self.turn + step) % partitions);
        let free = free.into_iter().find(|partition| self.under_way.iter().all(|batch| batch.partition != Some(*partition)))?;
        self.turn = (free + 1) % partitions;
        Some(Some(free))
    }

    /// A batch is not under way any more.
    pub(super) fn end(&mut self, id: u64) {
        let ended = self.under_way.iter().position(|batch| batch.id == id).map(|place| self.under_way.swap_remove(place));
        self.bytes -= ended.map_or(0, |batch| batch.bytes);
    }

    /// No batch is under way any more: the client that sent them is gone.
    pub(super) fn forget_all(&mut self) {
        self.bytes -= self.under_way.drain(..).map(|batch| batch.bytes).sum::<usize>();
    }

    /// How many records wait.
    pub(super) const fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(records: impl IntoIterator<Item = u32>) -> Turns<u32> {
        let mut turns = Turns::default();
        for record in records {
            assert!(turns.push(record, 10, usize::MAX, |_| true));
        }
        turns
    }

    #[test]
    fn what_comes_while_a_batch_is_under_way_is_the_next_one() {
        let (mut turns, now) = (turns([1]), Instant::now());
        let first = turns.next(12, now).unwrap();
        assert_eq!((first.partition, first.records), (Some(0), vec![1]));
        assert!(turns.push(2, 10, usize::MAX, |_| true) && turns.push(3, 10, usize::MAX, |_| true));
        assert_eq!(turns.next(12, now + SPACING), None);
        turns.end(first.id);
        let second = turns.next(12, now + SPACING).unwrap();
        assert_eq!((second.partition, second.records), (Some(1), vec![2, 3]));
        turns.end(second.id);
        assert_eq!(turns.next(12, now + SPACING * 2), None, "nothing waits");
    }

    #[test]
    fn batches_leave_a_moment_apart() {
        let (mut turns, now) = (turns([1]), Instant::now());
        let first = turns.next(12, now).unwrap();
        turns.end(first.id);
        assert!(turns.push(2, 10, usize::MAX, |_| true));
        assert_eq!((turns.next(12, now), turns.spaced_until(now)), (None, Some(now + SPACING)));
        assert_eq!(turns.spaced_until(now + SPACING), None);
        assert_eq!(turns.next(12, now + SPACING).unwrap().records, [2]);
    }

    #[test]
    fn a_batch_that_takes_long_holds_up_its_own_partition_alone() {
        let (mut turns, now) = (turns([1]), Instant::now());
        turns.next(2, now).unwrap();
        assert!(turns.push(2, 10, usize::MAX, |_| true));
        assert_eq!(turns.next(2, now + PATIENCE / 2), None);
        let beside = turns.next(2, now + PATIENCE).unwrap();
        assert_eq!((beside.partition, beside.records), (Some(1), vec![2]));
        turns.end(beside.id);
        assert!(turns.push(3, 10, usize::MAX, |_| true));
        assert_eq!(turns.next(2, now + PATIENCE + SPACING).unwrap().partition, Some(1), "the first partition has not answered yet");
        assert!(turns.push(4, 10, usize::MAX, |_| true));
        assert_eq!(turns.next(2, now + PATIENCE * 3), None, "both are out");
        turns.forget_all();
        assert!(turns.next(2, now + PATIENCE * 3).is_some());
    }

    #[test]
    fn keys_decide_while_nobody_knows_the_partitions() {
        let (mut turns, now) = (turns([1, 2]), Instant::now());
        assert_eq!(turns.next(0, now).unwrap().partition, None);
        assert!(turns.push(3, 10, usize::MAX, |_| true));
        assert_eq!(turns.next(0, now + PATIENCE), None);
    }

    #[test]
    fn a_full_queue_first_lets_go_of_what_nobody_waits_for() {
        let mut turns = turns([1, 2, 3]);
        assert!(!turns.push(4, 10, 30, |_| true));
        assert_eq!(turns.len(), 3);
        assert!(turns.push(4, 10, 30, |record| *record != 2));
        let batch = turns.next(1, Instant::now()).unwrap();
        assert_eq!(batch.records, [1, 3, 4]);
        assert!(!turns.push(5, 10, 30, |_| true), "what is under way takes room");
        turns.end(batch.id);
        assert!(turns.push(5, 30, 30, |_| true));
    }

    #[test]
    fn a_batch_has_its_limit() {
        let mut turns = turns(0..2_500);
        assert_eq!(turns.next(1, Instant::now()).unwrap().records.len(), RECORDS_MAX);
        assert_eq!(turns.len(), 500);
    }
}
