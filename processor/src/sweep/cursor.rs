//! Where a list is read on, so that nothing is skipped although objects move in it while it is read.
//!
//! Lists are sorted by date of change, oldest first; what changes while they are read moves to the end. Pages are counted off, and the
//! last row of one must be seen again in its place at the beginning of the next: then nothing before it has gone. If it is not there,
//! something has moved, and reading begins anew at the date of that last row.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::sweep::listing::{Page, Row};

/// How often reading begins anew at one date before what the platform gives is taken as it is.
const RESTARTS_MAX: u32 = 5;

/// How far a list was read.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    start: Timestamp,
    since: Timestamp,
    /// Rows that were seen of the list that begins at `since`.
    skip: u32,
    /// The last of them.
    last: Option<u64>,
    /// Its date: nothing older is left.
    reached: Timestamp,
    restarts: u32,
    /// When the platform gave the first page.
    began_at: Option<Timestamp>,
    /// Up to when the list was read to its end.
    ended_at: Option<Timestamp>,
    seen: HashSet<(u64, Option<i64>)>,
}

/// The second that a moment lies in: the finest that all filters know.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl Cursor {
    /// Before the first object that changed at `start` or later.
    pub(crate) fn at(start: Timestamp) -> Self {
        let start = second(start);
        let seen = HashSet::new();
        Self { start, since: start, skip: 0, last: None, reached: start, restarts: 0, began_at: None, ended_at: None, seen }
    }

    /// From which date on to read next.
    pub(crate) const fn since(&self) -> Timestamp {
        self.since
    }

    /// How many rows from there on were seen.
    pub(crate) const fn skip(&self) -> u32 {
        self.skip
    }

    /// Whether the list was read to its end.
    pub(crate) const fn is_finished(&self) -> bool {
        self.ended_at.is_some()
    }

    /// Whether reading on another time from [`position`](Self::position) reads something else than this time.
    pub(crate) fn has_moved(&self) -> bool {
        self.position() > self.start
    }

    /// Everything that changed before this was seen.
    pub(crate) fn position(&self) -> Timestamp {
        self.ended_at.unwrap_or(self.reached)
    }

    /// Takes a page that was read at [`since`](Self::since) and [`skip`](Self::skip); gives what was not seen before.
    pub(crate) fn take(&mut self, page: Page) -> Vec<Row> {
        self.began_at = self.began_at.or(page.answered_at);
        if !self.continues(&page) {
            tracing::debug!(since = %self.since, reached = %self.reached, "something moved while a list was read");
            (self.since, self.skip, self.last) = (self.reached, 0, None);
            self.restarts += 1;
            return Vec::new();
        }
        self.advance(&page);
        let key = |row: &Row| (row.id, row.at.map(Timestamp::as_second));
        page.rows.into_iter().filter(|row| self.seen.insert(key(row))).collect()
    }

    fn continues(&self, page: &Page) -> bool {
        let Some(last) = self.last.filter(|_| self.restarts < RESTARTS_MAX) else { return true };
        let place = usize::try_from(self.skip.saturating_sub(1).saturating_sub(page.before)).unwrap_or(usize::MAX);
        page.rows.get(place).is_some_and(|row| row.id == last)
    }

    fn advance(&mut self, page: &Page) {
        let Some(last) = page.rows.last().filter(|_| page.more) else {
            let last_at = page.rows.iter().filter_map(|row| row.at).max();
            self.ended_at = self.began_at.max(last_at).map(second).max(Some(self.reached));
            return;
        };
        // A platform that does not sort has its rows counted, and tells nothing of dates.
        if let Some(at) = last.at.map(second).filter(|at| *at > self.reached && self.is_sorted(page)) {
            (self.reached, self.restarts) = (at, 0);
        }
        self.skip = page.before.saturating_add(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
        self.last = Some(last.id);
    }

    fn is_sorted(&self, page: &Page) -> bool {
        let dates = page.rows.iter().map(|row| row.at.map(second));
        dates.clone().all(|at| at.is_some_and(|at| at >= self.since)) && dates.is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::listing::Detail;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    /// A platform: objects by id with the second of their last change.
    struct Platform {
        objects: Vec<(u64, i64)>,
        now: i64,
        page: usize,
    }

    impl Platform {
        fn read(&self, since: Timestamp, skip: u32) -> Page {
            let mut list: Vec<(u64, i64)> = self.objects.iter().copied().filter(|&(_, changed)| at(changed) >= since).collect();
            list.sort_by_key(|&(id, changed)| (changed, id));
            let before = skip.saturating_sub(1);
            let from = list.iter().skip(usize::try_from(before).unwrap());
            let rows: Vec<Row> = from.take(self.page).map(|&(id, changed)| Row { id, at: Some(at(changed)), detail: Detail::None }).collect();
            let more = list.len() > usize::try_from(before).unwrap() + rows.len();
            Page { rows, before, more, answered_at: Some(at(self.now)) }
        }

        fn change(&mut self, id: u64) {
            self.now += 1;
            let now = self.now;
            self.objects.iter_mut().filter(|(object, _)| *object == id).for_each(|(_, changed)| *changed = now);
        }
    }

    fn read_all(platform: &Platform, start: i64) -> (Vec<u64>, usize, Cursor) {
        let (mut cursor, mut found, mut pages) = (Cursor::at(at(start)), Vec::new(), 0);
        while !cursor.is_finished() {
            found.extend(cursor.take(platform.read(cursor.since(), cursor.skip())).into_iter().map(|row| row.id));
            pages += 1;
        }
        (found, pages, cursor)
    }

    #[test]
    fn rows_of_one_second_are_all_found_once_and_cost_no_page_twice() {
        let platform = Platform { objects: (1..=1300).map(|id| (id, 5)).collect(), now: 9, page: 500 };
        let (found, pages, cursor) = read_all(&platform, 0);
        assert_eq!(found, (1..=1300).collect::<Vec<u64>>());
        assert_eq!(pages, 3);
        assert_eq!(cursor.position(), at(9), "the list was read to its end, so all before the first answer is known");
    }

    #[test]
    fn an_empty_list_ends_at_the_platforms_own_time() {
        let platform = Platform { objects: vec![(1, 5)], now: 77, page: 500 };
        let (found, pages, cursor) = read_all(&platform, 6);
        assert_eq!((found.len(), pages, cursor.position()), (0, 1, at(77)));
        let mut silent = Cursor::at(at(3));
        silent.take(Page { rows: Vec::new(), before: 0, more: false, answered_at: None });
        assert_eq!(silent.position(), at(3), "a platform that does not tell the time moves nothing");
    }

    #[test]
    fn a_row_that_leaves_its_second_while_that_is_read_hides_no_other() {
        let mut platform = Platform { objects: (1..=900).map(|id| (id, 5)).collect(), now: 9, page: 500 };
        let mut cursor = Cursor::at(at(0));
        let mut found: HashSet<u64> = cursor.take(platform.read(cursor.since(), cursor.skip())).into_iter().map(|row| row.id).collect();
        // Without looking back, what was number 501 would now be number 500 and never be read.
        platform.change(3);
        while !cursor.is_finished() {
            found.extend(cursor.take(platform.read(cursor.since(), cursor.skip())).into_iter().map(|row| row.id));
        }
        assert_eq!(found.len(), 900);
    }

    #[test]
    fn without_dates_or_sorting_rows_are_counted_and_the_position_stays() {
        let rows = |ids: std::ops::Range<u64>, date: Option<i64>| ids.map(|id| Row { id, at: date.map(at), detail: Detail::None }).collect();
        let mut cursor = Cursor::at(at(3));
        assert_eq!(cursor.take(Page { rows: rows(0..500, None), before: 0, more: true, answered_at: None }).len(), 500);
        assert_eq!((cursor.skip(), cursor.position(), cursor.has_moved()), (500, at(3), false));
        assert_eq!(cursor.take(Page { rows: rows(499..600, None), before: 499, more: false, answered_at: Some(at(8)) }).len(), 100);
        assert_eq!(cursor.position(), at(8));
        let mut upside_down: Vec<Row> = rows(0..1, Some(9));
        upside_down.extend::<Vec<Row>>(rows(1..2, Some(4)));
        let mut cursor = Cursor::at(at(3));
        cursor.take(Page { rows: upside_down, before: 0, more: true, answered_at: None });
        assert_eq!((cursor.skip(), cursor.position()), (2, at(3)));
    }

    #[test]
    fn a_platform_whose_rows_never_stay_in_place_is_read_on_in_the_end() {
        let mut cursor = Cursor::at(at(0));
        let page = |first: u64, before: u32| Page {
            rows: (first..first + 10).map(|id| Row { id, at: Some(at(5)), detail: Detail::None }).collect(),
            before,
            more: true,
            answered_at: None,
        };
        cursor.take(page(0, 0));
        for _ in 0..RESTARTS_MAX {
            assert!(cursor.take(page(100, cursor.skip() - 1)).is_empty());
            cursor.take(page(0, 0));
        }
        assert_eq!(cursor.take(page(100, cursor.skip() - 1)).len(), 10);
    }

    proptest! {
        #[test]
        fn whatever_changes_between_pages_every_object_is_found(
            dates in prop::collection::vec(0i64..6, 1..60),
            // No more than restarts that one second is given.
            changes in prop::collection::vec((0usize..40, 0usize..60), 0..5),
            page in 2usize..9,
        ) {
            let objects: Vec<(u64, i64)> = (1..).zip(dates).collect();
            let all: HashSet<u64> = objects.iter().map(|&(id, _)| id).collect();
            let mut platform = Platform { objects, now: 6, page };
            let (mut cursor, mut found) = (Cursor::at(at(0)), HashSet::new());
            let mut pages = 0;
            while !cursor.is_finished() {
                let before = cursor.position();
                found.extend(cursor.take(platform.read(cursor.since(), cursor.skip())).into_iter().map(|row| row.id));
                prop_assert!(cursor.position() >= before);
                for (_, place) in changes.iter().filter(|(after, _)| *after == pages) {
                    let id = platform.objects[place % platform.objects.len()].0;
                    platform.change(id);
                }
                pages += 1;
                prop_assert!(pages < 1000);
            }
            // What moved into the future of the last page is found by the next sweep.
            let late: HashSet<u64> = platform.objects.iter().filter(|&&(_, changed)| at(changed) >= cursor.position()).map(|&(id, _)| id).collect();
            prop_assert!(all.iter().all(|id| found.contains(id) || late.contains(id)));
        }
    }
}
