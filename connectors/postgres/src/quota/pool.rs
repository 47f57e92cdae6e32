//! One pool within this process: its tokens, its waiters, and who goes first. Neither clock nor database in here.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use orderbridge_http_client::{Permit, PoolKey, QuotaDenied, QuotaSeen};
use orderbridge_schema::ids::Platform;
use orderbridge_schema::work::Share;
use tokio::sync::oneshot;

use super::QuotaSettings;
use super::window::{Closing, Draw, Drawn, Seen};

/// A reply may come this long after the window it speaks of; what it says is then not taken for the next window.
const REPLY_LATENCY: SignedDuration = SignedDuration::from_secs(2);

/// A window is not cut shorter than this by a reply, which may be a late one of the window before.
const SHORTEST_WINDOW: SignedDuration = SignedDuration::from_secs(5);

/// No platform's window is longer.
const LONGEST_WINDOW: Duration = Duration::from_secs(600);

/// Shares that calls are paid from.
const SHARES: usize = Share::PAYING.len();

type Waiter = oneshot::Sender<Result<Permit, QuotaDenied>>;

/// How the platform counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Windows {
    /// Wall-clock minutes, UTC (BP §c).
    Minutes,
    /// From the first call on; replies say when it ends (BC §b).
    Rolling(Duration),
}

/// What to do next for the waiters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nobody waits.
    Idle,
    /// Nothing can be had before.
    Wait(Timestamp),
    /// Draw a block.
    Draw(Draw),
}

/// The present window as far as this process knows.
#[derive(Debug, Clone, Copy)]
struct Window {
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// The last draw gave less than it asked for.
    exhausted: bool,
    /// What replies said since the last draw.
    seen: Option<Seen>,
}

/// One pool.
#[derive(Debug)]
pub(super) struct Pool {
    key: PoolKey,
    windows: Windows,
    capacity: u32,
    reserve_percent: u32,
    block: u32,
    edge: Duration,
    window: Option<Window>,
    /// A window that replies said is over earlier than is stored: the next draw tells.
    over: Option<Seen>,
    tokens: u32,
    used: [u32; SHARES],
    waiters: [VecDeque<Waiter>; SHARES],
    blocked_until: Option<Timestamp>,
    served: bool,
}

/// A moment that much later; the end of time if there is none.
pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_sub(by).ok()).unwrap_or(Timestamp::MIN)
}

/// What is left of a number of calls once the reserve is kept.
fn without_reserve(calls: u32, percent: u32) -> u32 {
    calls.saturating_sub(reserve(calls, percent))
}

fn reserve(calls: u32, percent: u32) -> u32 {
    calls.saturating_mul(percent.min(100)).div_ceil(100)
}

impl Pool {
    pub(super) fn new(key: PoolKey, settings: &QuotaSettings) -> Self {
        let (windows, calls, reserve_percent) = match key.platform() {
            Platform::Brightpearl => (Windows::Minutes, settings.brightpearl_per_minute, settings.brightpearl_reserve_percent),
            Platform::Bigcommerce => {
                (Windows::Rolling(settings.bigcommerce_window), settings.bigcommerce_per_window, settings.bigcommerce_reserve_percent)
            }
        };
        Self {
            key,
            windows,
            capacity: without_reserve(calls, reserve_percent),
            reserve_percent,
            block: settings.block.max(1),
            edge: settings.edge,
            window: None,
            over: None,
            tokens: 0,
            used: [0; SHARES],
            waiters: Default::default(),
            blocked_until: None,
            served: false,
        }
    }

    /// Queues a waiter. True if somebody must start serving.
    pub(super) fn enter(&mut self, share: Share, waiter: Waiter, now: Timestamp) -> bool {
        if let Some(queue) = self.waiters.get_mut(place(share)) {
            queue.push_back(waiter);
        }
        self.expire(now);
        self.dispatch(now);
        let must_serve = !self.served && self.is_awaited();
        self.served |= must_serve;
        must_serve
    }

    /// Serves whom it can and says what the rest needs.
    pub(super) fn next(&mut self, now: Timestamp) -> Next {
        self.expire(now);
        self.dispatch(now);
        for queue in &mut self.waiters {
            queue.retain(|waiter| !waiter.is_closed());
        }
        if !self.is_awaited() {
            self.served = false;
            return Next::Idle;
        }
        if let Some(until) = self.blocked_until {
            return Next::Wait(until);
        }
        let none_may = !Share::PAYING.into_iter().any(|share| self.may_be_served(share));
        match &self.window {
            Some(window) if none_may || window.exhausted || now >= earlier(window.ends_at, self.edge) => Next::Wait(window.ends_at),
            _ => Next::Draw(self.draw(now)),
        }
    }

    fn draw(&mut self, now: Timestamp) -> Draw {
        let (starts_at, ends_at) = match self.windows {
            Windows::Minutes => {
                let starts_at = minute(now);
                (starts_at, later(starts_at, Duration::from_secs(60)))
            }
            Windows::Rolling(length) => (now, later(now, length)),
        };
        let seen = self.over.take().map(|over| Seen { left: None, ..over }).or_else(|| self.window.as_mut().and_then(|window| window.seen.take()));
        Draw { pool: self.key.0.clone(), now, starts_at, ends_at, capacity: self.capacity, want: self.block, seen }
    }

    /// Takes a drawn block in.
    pub(super) fn take_in(&mut self, drawn: Drawn) {
        if self.window.is_none_or(|window| window.starts_at != drawn.starts_at) {
            self.tokens = 0;
            self.used = [0; SHARES];
        }
        self.tokens = self.tokens.saturating_add(drawn.tokens);
        self.window = Some(Window { starts_at: drawn.starts_at, ends_at: drawn.ends_at, exhausted: drawn.tokens < self.block, seen: None });
    }

    /// Tokens of a window that is over are worth nothing.
    fn expire(&mut self, now: Timestamp) {
        if self.blocked_until.is_some_and(|until| until <= now) {
            self.blocked_until = None;
        }
        // A clock that was set back makes all that is known worthless too.
        let is_over = |window: Window| window.ends_at <= now || window.starts_at > later(now, LONGEST_WINDOW);
        if self.window.is_some_and(is_over) {
            self.tokens = 0;
            self.used = [0; SHARES];
            self.over = self.window.take().and_then(|window| window.seen).filter(|seen| seen.ends_at <= now);
        }
    }

    fn is_awaited(&self) -> bool {
        self.waiters.iter().any(|queue| !queue.is_empty())
    }

    /// Hands tokens out: to the waiting share that has had the least of its floor, the more urgent one if equal.
    fn dispatch(&mut self, now: Timestamp) {
        let Some(window) = self.window.filter(|window| now < earlier(window.ends_at, self.edge)) else { return };
        while self.blocked_until.is_none() && self.tokens > 0 {
            let had = |share: &Share| {
                let used = self.used.get(place(*share)).copied().unwrap_or(0);
                // Compared as used ÷ floor, in whole numbers.
                (u64::from(used).saturating_mul(10_000) / u64::from(share.floor_percent().max(1)), share.priority())
            };
            let Some(share) = Share::PAYING.into_iter().filter(|share| self.may_be_served(*share)).min_by_key(had) else { return };
            let Some(waiter) = self.waiters.get_mut(place(share)).and_then(VecDeque::pop_front) else { return };
            // Whoever gave up meanwhile costs nothing.
            if waiter.send(Ok(Permit::new(self.key.clone(), share).of_window(window.starts_at))).is_ok() {
                self.tokens -= 1;
                if let Some(used) = self.used.get_mut(place(share)) {
                    *used += 1;
                }
            }
        }
    }

    /// Takes a token back whose call was not made: whoever waits or comes next has it. One of a window that is over, or that the
    /// platform closed meanwhile, is worth nothing.
    pub(super) fn give_back(&mut self, permit: &Permit, now: Timestamp) {
        self.expire(now);
        let is_worth_something = self.window.is_some_and(|window| permit.window() == Some(window.starts_at)) && self.blocked_until.is_none();
        if let Some(used) = self.used.get_mut(place(permit.share())).filter(|_| is_worth_something) {
            *used = used.saturating_sub(1);
            self.tokens = self.tokens.saturating_add(1);
            self.dispatch(now);
        }
    }

    /// Whether somebody of a share waits and the share has not had all it may have of this window.
    fn may_be_served(&self, share: Share) -> bool {
        let is_waiting = self.waiters.get(place(share)).is_some_and(|queue| !queue.is_empty());
        let used = self.used.get(place(share)).copied().unwrap_or(0);
        is_waiting && u64::from(used) * 100 < u64::from(self.capacity) * u64::from(share.cap_percent())
    }

    /// Sends all waiters away.
    pub(super) fn deny(&mut self, retry_at: Timestamp) {
        self.served = false;
        for waiter in self.waiters.iter_mut().flat_map(|queue| queue.drain(..)) {
            // One that gave up needs no answer.
            waiter.send(Err(QuotaDenied::used_up(retry_at))).ok();
        }
    }

    /// When somebody who waited in vain may ask again.
    pub(super) fn retry_at(&self, now: Timestamp) -> Timestamp {
        let ends_at = self.window.map(|window| window.ends_at);
        self.blocked_until.or(ends_at).unwrap_or(now).max(later(now, Duration::from_secs(1)))
    }

    /// Takes in what a reply said, downwards only. A window that is used up is to be told to the other processes.
    pub(super) fn observe(&mut self, seen: &QuotaSeen, now: Timestamp) -> Option<Closing> {
        self.expire(now);
        if let Some(limit) = seen.limit {
            self.capacity = self.capacity.min(without_reserve(limit, self.reserve_percent));
        }
        if seen.throttled {
            return Some(self.close(seen, now));
        }
        self.correct_end(seen, now);
        self.correct_left(seen, now);
        None
    }

    fn close(&mut self, seen: &QuotaSeen, now: Timestamp) -> Closing {
        let known = self.window.map(|window| window.ends_at);
        let until = match (seen.resets_in, self.windows) {
            (Some(resets_in), _) => later(now, resets_in.min(LONGEST_WINDOW)),
            (None, Windows::Minutes) => later(minute(now), Duration::from_secs(60)),
            (None, Windows::Rolling(length)) => known.unwrap_or_else(|| later(now, length)),
        };
        let until = until.max(later(now, Duration::from_millis(1)));
        self.tokens = 0;
        self.blocked_until = Some(self.blocked_until.map_or(until, |blocked| blocked.max(until)));
        Closing { pool: self.key.0.clone(), now, until }
    }

    /// A store's own word on when its window ends counts, unless it may be a late reply's about the window before.
    fn correct_end(&mut self, seen: &QuotaSeen, now: Timestamp) {
        let (Some(window), Some(resets_in), Windows::Rolling(_)) = (self.window.as_mut(), seen.resets_in, self.windows) else { return };
        let ends_at = later(now, resets_in.min(LONGEST_WINDOW));
        let is_long_enough = ends_at.duration_since(window.starts_at) >= SHORTEST_WINDOW;
        let differs = ends_at.duration_since(window.ends_at).abs() > SignedDuration::from_millis(500);
        if is_long_enough && differs {
            window.ends_at = ends_at;
            window.seen = Some(Seen { starts_at: window.starts_at, ends_at, left: window.seen.and_then(|seen| seen.left) });
        }
    }

    /// If the platform has fewer calls left than we think, others use the pool: tokens in hand are given up, and the next draw lowers
    /// what is stored.
    fn correct_left(&mut self, seen: &QuotaSeen, now: Timestamp) {
        let (Some(window), Some(remaining)) = (self.window.as_mut(), seen.remaining) else { return };
        if now.duration_since(window.starts_at) < REPLY_LATENCY {
            return;
        }
        // The reserve is a part of the whole; the capacity is the rest of it.
        let whole = seen.limit.unwrap_or_else(|| self.capacity.saturating_mul(100) / (100 - self.reserve_percent.min(99)));
        let left = remaining.saturating_sub(reserve(whole, self.reserve_percent));
        self.tokens = self.tokens.min(left);
        let to_draw = left - self.tokens;
        let lower = window.seen.and_then(|seen| seen.left).map_or(to_draw, |known| known.min(to_draw));
        window.seen = Some(Seen { starts_at: window.starts_at, ends_at: window.ends_at, left: Some(lower) });
    }
}

/// A share's place in the arrays.
const fn place(share: Share) -> usize {
    match share {
        Share::Orders => 0,
        Share::Fulfilment => 1,
        Share::Stock => 2,
        Share::Sweeps => 3,
        Share::Replay => 4,
        Share::Retries => 5,
    }
}

/// The beginning of a moment's UTC minute.
fn minute(at: Timestamp) -> Timestamp {
    let down = jiff::ZonedRound::new().smallest(Unit::Minute).mode(jiff::RoundMode::Trunc);
    at.to_zoned(TimeZone::UTC).round(down).map_or(at, |zoned| zoned.timestamp())
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
