use super::*;

type Answer = oneshot::Receiver<Result<Permit, QuotaDenied>>;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn settings() -> QuotaSettings {
    QuotaSettings { edge: Duration::ZERO, ..QuotaSettings::default() }
}

fn brightpearl() -> Pool {
    Pool::new(PoolKey("brightpearl/acme/dev".into()), &settings())
}

fn bigcommerce() -> Pool {
    Pool::new(PoolKey("bigcommerce/abc".into()), &settings())
}

fn wait(pool: &mut Pool, share: Share, times: usize, now: Timestamp) -> Vec<Answer> {
    let enter = |_| {
        let (waiter, answer) = oneshot::channel();
        pool.enter(share, waiter, now);
        answer
    };
    (0..times).map(enter).collect()
}

fn granted(answers: &mut [Answer]) -> usize {
    answers.iter_mut().map(|answer| usize::from(matches!(answer.try_recv(), Ok(Ok(_))))).sum()
}

fn give(pool: &mut Pool, tokens: u32, now: Timestamp) {
    let Next::Draw(draw) = pool.next(now) else { panic!("nothing to draw") };
    pool.take_in(Drawn { tokens, starts_at: draw.starts_at, ends_at: draw.ends_at });
    pool.next(now);
}

const NOON: &str = "2026-11-22T12:00:30Z";

#[test]
fn every_waiting_share_gets_its_floor() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let shares: Vec<Share> = Share::ALL.into_iter().filter(|share| share.floor_percent() > 0).collect();
    let mut answers: Vec<Vec<Answer>> = shares.iter().rev().map(|&share| wait(&mut pool, share, 300, now)).collect();
    give(&mut pool, 200, now);
    let got: Vec<usize> = answers.iter_mut().rev().map(|answers| granted(answers)).collect();
    assert_eq!(got.iter().sum::<usize>(), 200);
    for (share, got) in shares.iter().zip(got) {
        let floor = 2 * usize::try_from(share.floor_percent()).unwrap();
        assert!(got.abs_diff(floor) <= 1, "{share:?} got {got}, its floor is {floor}");
    }
}

#[test]
fn what_a_share_does_not_ask_for_goes_to_the_others() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut sweeps = wait(&mut pool, Share::Sweeps, 50, now);
    let mut stock = wait(&mut pool, Share::Stock, 5, now);
    give(&mut pool, 40, now);
    assert_eq!(granted(&mut stock), 5);
    assert_eq!(granted(&mut sweeps), 35);
}

#[test]
fn a_share_that_comes_late_gets_what_others_had_in_excess_first() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut sweeps = wait(&mut pool, Share::Sweeps, 20, now);
    give(&mut pool, 10, now);
    assert_eq!(granted(&mut sweeps), 10);
    let mut orders = wait(&mut pool, Share::Orders, 10, now);
    pool.take_in(Drawn { tokens: 10, starts_at: at("2026-11-22T12:00:00Z"), ends_at: at("2026-11-22T12:01:00Z") });
    pool.next(now);
    assert_eq!(granted(&mut orders), 10);
    assert_eq!(granted(&mut sweeps), 0);
}

#[test]
fn within_a_share_the_first_to_come_is_the_first_served_and_one_that_gave_up_costs_nothing() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut answers = wait(&mut pool, Share::Orders, 4, now);
    drop(answers.remove(1));
    give(&mut pool, 2, now);
    assert!(matches!(answers[0].try_recv(), Ok(Ok(_))));
    assert!(matches!(answers[1].try_recv(), Ok(Ok(_))));
    assert!(answers[2].try_recv().is_err());
}

#[test]
fn tokens_of_a_past_minute_are_worth_nothing_and_windows_are_minutes() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut first = wait(&mut pool, Share::Orders, 1, now);
    give(&mut pool, 10, now);
    assert_eq!(granted(&mut first), 1);
    let later = at("2026-11-22T12:01:00Z");
    let mut second = wait(&mut pool, Share::Orders, 1, later);
    let Next::Draw(draw) = pool.next(later) else { panic!() };
    assert_eq!((draw.starts_at, draw.ends_at, draw.capacity), (later, at("2026-11-22T12:02:00Z"), 190));
    assert_eq!(granted(&mut second), 0);
}

#[test]
fn nothing_starts_at_the_edge_of_a_window() {
    let mut pool = Pool::new(PoolKey("brightpearl/acme/dev".into()), &QuotaSettings::default());
    let now = at(NOON);
    let mut answers = wait(&mut pool, Share::Orders, 1, now);
    give(&mut pool, 10, now);
    assert_eq!(granted(&mut answers), 1);
    let edge = at("2026-11-22T12:00:59.8Z");
    let mut late = wait(&mut pool, Share::Orders, 1, edge);
    assert_eq!(pool.next(edge), Next::Wait(at("2026-11-22T12:01:00Z")));
    assert_eq!(granted(&mut late), 0);
}

#[test]
fn a_throttled_pool_waits_for_the_end_of_the_minute() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut answers = wait(&mut pool, Share::Orders, 1, now);
    let closing = pool.observe(&QuotaSeen { throttled: true, ..QuotaSeen::default() }, now).unwrap();
    assert_eq!(closing.until, at("2026-11-22T12:01:00Z"));
    assert_eq!(pool.next(now), Next::Wait(at("2026-11-22T12:01:00Z")));
    assert!(matches!(pool.next(at("2026-11-22T12:01:00Z")), Next::Draw(_)));
    assert_eq!(granted(&mut answers), 0);
}

#[test]
fn replies_correct_downwards_and_never_upwards() {
    let (mut pool, now) = (bigcommerce(), at(NOON));
    let _answers = wait(&mut pool, Share::Orders, 30, now);
    give(&mut pool, 10, now);
    let soon = at("2026-11-22T12:00:33Z");
    // Other apps used nearly all: 17 left of 150, of which 15 are the reserve.
    pool.observe(&QuotaSeen { limit: Some(150), remaining: Some(17), ..QuotaSeen::default() }, soon);
    let Next::Draw(draw) = pool.next(soon) else { panic!() };
    assert_eq!(draw.seen.and_then(|seen| seen.left), Some(2));
    pool.observe(&QuotaSeen { limit: Some(450), remaining: Some(449), ..QuotaSeen::default() }, soon);
    assert_eq!(pool.capacity, 135);
    pool.observe(&QuotaSeen { limit: Some(60), ..QuotaSeen::default() }, soon);
    assert_eq!(pool.capacity, 54);
}

#[test]
fn a_store_says_when_its_window_ends_but_a_late_reply_does_not_cut_the_next_one_short() {
    let (mut pool, now) = (bigcommerce(), at(NOON));
    let mut answers = wait(&mut pool, Share::Orders, 20, now);
    give(&mut pool, 5, now);
    assert_eq!(granted(&mut answers), 5);
    assert_eq!(pool.next(now), Next::Wait(at("2026-11-22T12:01:00Z")));
    pool.observe(&QuotaSeen { resets_in: Some(Duration::from_secs(2)), ..QuotaSeen::default() }, now);
    assert_eq!(pool.next(now), Next::Wait(at("2026-11-22T12:01:00Z")), "may speak of the window before");
    pool.observe(&QuotaSeen { resets_in: Some(Duration::from_secs(10)), ..QuotaSeen::default() }, now);
    assert_eq!(pool.next(now), Next::Wait(at("2026-11-22T12:00:40Z")));
    let Next::Draw(draw) = pool.next(at("2026-11-22T12:00:40Z")) else { panic!() };
    assert_eq!(draw.seen, Some(Seen { starts_at: now, ends_at: at("2026-11-22T12:00:40Z"), left: None }), "the stored window is over too");
}

#[test]
fn a_replay_has_a_tenth_at_most_even_when_nobody_else_asks() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut replay = wait(&mut pool, Share::Replay, 100, now);
    give(&mut pool, 190, now);
    assert_eq!(granted(&mut replay), 19, "a tenth of the 190 that the reserve leaves");
    assert_eq!(pool.next(now), Next::Wait(at("2026-11-22T12:01:00Z")), "the next window");
}

#[test]
fn retries_have_a_fifth_at_most_even_when_nobody_else_asks() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut retries = wait(&mut pool, Share::Retries, 100, now);
    give(&mut pool, 190, now);
    assert_eq!(granted(&mut retries), 38, "a fifth of the 190 that the reserve leaves");
    assert_eq!(pool.next(now), Next::Wait(at("2026-11-22T12:01:00Z")), "the next window");
    let mut orders = wait(&mut pool, Share::Orders, 10, now);
    assert_eq!(granted(&mut orders), 10, "the others go on");
}

#[test]
fn a_call_that_is_not_made_is_given_back_to_whoever_waits_next() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut answers = wait(&mut pool, Share::Orders, 2, now);
    give(&mut pool, 1, now);
    let first = answers.remove(0).try_recv().unwrap().unwrap();
    assert_eq!(granted(&mut answers), 0);
    pool.give_back(&first, now);
    assert_eq!(granted(&mut answers), 1);
}

#[test]
fn a_call_given_back_after_its_window_or_after_a_refusal_is_worth_nothing() {
    let (mut pool, now) = (brightpearl(), at(NOON));
    let mut answers = wait(&mut pool, Share::Orders, 2, now);
    give(&mut pool, 2, now);
    let mut permits = answers.iter_mut().map(|answer| answer.try_recv().unwrap().unwrap());
    let (first, second) = (permits.next().unwrap(), permits.next().unwrap());
    pool.observe(&QuotaSeen { throttled: true, ..QuotaSeen::default() }, now);
    pool.give_back(&first, now);
    let mut more = wait(&mut pool, Share::Orders, 1, now);
    let later = at("2026-11-22T12:01:00Z");
    assert!(matches!(pool.next(later), Next::Draw(_)), "nothing is in hand");
    pool.take_in(Drawn { tokens: 0, starts_at: later, ends_at: at("2026-11-22T12:02:00Z") });
    pool.give_back(&second, later);
    assert_eq!(granted(&mut more), 0);
}
