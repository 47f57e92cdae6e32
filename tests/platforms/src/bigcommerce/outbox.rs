//! Webhooks on their way: queue, retries, block-list and deactivation (BC §c, delivery semantics).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha1::Digest as _;

use super::envelope::envelope;
use super::health::Health;
use super::hook::EXCEPTION;
use super::signing::{Signing, signature};
use super::state::{Event, Mail, Store};
use crate::core::{Delivery, DeliveryOutcome, Switches};

/// Seconds before each of the 11 retries.
const RETRY_SECONDS: [i64; 11] = [60, 180, 300, 600, 900, 1800, 3600, 7200, 21_600, 50_400, 86_400];
/// At most one "will retry" exception per hook in this time.
const EXCEPTION_PAUSE: SignedDuration = SignedDuration::from_secs(600);

/// One delivery that is not over.
#[derive(Debug, Clone)]
struct Entry {
    store: String,
    hook: i64,
    scope: String,
    body: Vec<u8>,
    webhook_id: String,
    attempt: u32,
    signed_at: Option<Timestamp>,
    key: (String, String),
}

/// The queue of all stores.
#[derive(Debug)]
pub(super) struct Outbox {
    next_id: u64,
    entries: BTreeMap<u64, Entry>,
    due: BTreeSet<(Timestamp, u64)>,
    // By client id and destination domain: all stores of an app share one fate per domain.
    health: BTreeMap<(String, String), Health>,
    pub(super) signing: Signing,
    /// Whether envelopes have all that the platform's documentation names.
    pub(super) complete: bool,
}

impl Outbox {
    pub(super) const fn new() -> Self {
        Self { next_id: 1, entries: BTreeMap::new(), due: BTreeSet::new(), health: BTreeMap::new(), signing: Signing::Signed, complete: true }
    }

    /// Queues one event for every hook that wants it and may hear of it.
    pub(super) fn publish(&mut self, store: &mut Store, event: &Event) {
        let body = envelope(store, event, self.complete);
        for hook in store.hooks.values_mut() {
            let started = hook.created + SignedDuration::from_millis(store.settings.hook_delay_ms) <= event.at;
            let foreign = event.client_id.as_ref().is_some_and(|client| *client != hook.client_id);
            if !hook.active || !started || foreign || !hook.wants(&event.scope) {
                continue;
            }
            hook.last_event = event.at;
            let id = self.next_id;
            self.next_id += 1;
            let unique = hex::encode(sha1::Sha1::digest(format!("{}/{}/{id}", store.hash, hook.id)));
            let entry = Entry {
                store: store.hash.clone(),
                hook: hook.id,
                scope: event.scope.clone(),
                body: body.clone(),
                webhook_id: format!("evt_{}", unique.get(..27).unwrap_or(&unique)),
                attempt: 1,
                signed_at: None,
                key: (hook.client_id.clone(), domain(&hook.destination)),
            };
            self.entries.insert(id, entry);
            self.due.insert((event.at, id));
        }
    }

    /// The deliveries to send now. Blocked domains' entries move on in the retry schedule unsent.
    pub(super) fn take_due(&mut self, stores: &mut BTreeMap<String, Store>, switches: &Switches, now: Timestamp) -> Vec<Delivery> {
        let mut ready = Vec::new();
        while let Some(&(at, id)) = self.due.first() {
            if at > now {
                break;
            }
            self.due.pop_first();
            let Some(entry) = self.entries.get(&id) else {
                continue;
            };
            let blocked = self.health.get(&entry.key).and_then(|health| health.blocked_until);
            if blocked.is_some_and(|until| until > now) {
                self.postpone(id, stores, now);
                continue;
            }
            match self.render(id, stores, switches, now) {
                Some(delivery) => ready.push(delivery),
                // The hook is gone or switched off: what it would have got is lost.
                None => drop(self.entries.remove(&id)),
            }
        }
        ready
    }

    fn render(&mut self, id: u64, stores: &BTreeMap<String, Store>, switches: &Switches, now: Timestamp) -> Option<Delivery> {
        let signing = self.signing;
        let entry = self.entries.get_mut(&id)?;
        let store = stores.get(&entry.store)?;
        let hook = store.hooks.get(&entry.hook).filter(|hook| hook.active)?;
        let account = store.accounts.iter().find(|account| account.client_id == hook.client_id)?;
        let first = *entry.signed_at.get_or_insert(now);
        let mut stamp = if switches.on("fresh_retry_timestamp") { now } else { first };
        if signing == Signing::OldTimestamp {
            stamp -= SignedDuration::from_hours(1);
        }
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        for (name, value) in &hook.headers {
            headers.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
        }
        if signing != Signing::Unsigned {
            let seconds = stamp.as_second();
            let signature = signature(signing, &account.client_secret, &entry.webhook_id, seconds, &entry.body);
            headers.push(("webhook-id".to_owned(), entry.webhook_id.clone()));
            headers.push(("webhook-timestamp".to_owned(), seconds.to_string()));
            headers.push(("webhook-signature".to_owned(), signature));
        }
        Some(Delivery {
            id,
            tenant: entry.store.clone(),
            event: entry.scope.clone(),
            attempt: entry.attempt,
            method: "POST".to_owned(),
            url: hook.destination.clone(),
            headers,
            body: entry.body.clone(),
        })
    }

    /// Notes an outcome: forgets a success, schedules what failed.
    pub(super) fn delivered(&mut self, id: u64, outcome: &DeliveryOutcome, stores: &mut BTreeMap<String, Store>, now: Timestamp) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        let good = matches!(outcome, DeliveryOutcome::Answered(status) if (200..300).contains(status));
        let why = match outcome {
            DeliveryOutcome::Answered(status) => format!("HTTP {status}"),
            DeliveryOutcome::Failed(why) => why.clone(),
        };
        let key = entry.key.clone();
        if good {
            self.entries.remove(&id);
        } else {
            self.postpone(id, stores, now);
        }
        let health = self.health.entry(key.clone()).or_default();
        health.outcomes.push_back((now, good));
        if !good {
            *health.failures.entry(why).or_default() += 1;
        }
        if health.judge(now) {
            announce_block(stores, &key, now);
        }
    }

    /// Moves an entry to its next retry; after the last one its hook is deactivated.
    fn postpone(&mut self, id: u64, stores: &mut BTreeMap<String, Store>, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let retry = usize::try_from(entry.attempt).unwrap_or(usize::MAX) - 1;
        let store = stores.get_mut(&entry.store);
        if let Some(seconds) = RETRY_SECONDS.get(retry) {
            entry.attempt += 1;
            self.due.insert((now + SignedDuration::from_secs(*seconds), id));
            if let Some(store) = store {
                exception(store, entry.hook, 90_001, "the delivery failed and will be tried again", now);
            }
            return;
        }
        let hook = entry.hook;
        let hash = entry.store.clone();
        self.entries.retain(|_, entry| entry.hook != hook || entry.store != hash);
        if let Some(store) = store {
            deactivate(store, hook, now);
            exception(store, hook, 90_002, "all retries failed; the hook is deactivated", now);
        }
    }

    /// The block-listed domains of a client, as `hooks/admin` shows them.
    pub(super) fn blocked(&self, client_id: &str, now: Timestamp) -> Vec<Value> {
        let of_client = self.health.iter().filter(|((client, _), _)| client == client_id);
        of_client
            .filter_map(|((_, domain), health)| {
                let left = health.blocked_until?.duration_since(now).as_secs();
                let reason = |(why, count): (&String, &u64)| json!({ "failure_description": why, "count": count, "timestamp": now.as_second() });
                let reasons: Vec<Value> = health.failures.iter().map(reason).collect();
                (left > 0).then(|| json!({ "destination": domain, "time_left": left, "reasons": reasons }))
            })
            .collect()
    }

    /// Deliveries that are not over, of one store.
    pub(super) fn pending(&self, store: &str) -> Vec<Value> {
        let due: BTreeMap<u64, Timestamp> = self.due.iter().map(|(at, id)| (*id, *at)).collect();
        let mine = self.entries.iter().filter(|(_, entry)| entry.store == store);
        mine.map(|(id, entry)| {
            json!({ "id": id, "hook_id": entry.hook, "scope": entry.scope, "attempt": entry.attempt,
                "webhook_id": entry.webhook_id, "due_at": due.get(id) })
        })
        .collect()
    }
}

/// Switches a hook off, as the platform does, and mails its owner.
pub(super) fn deactivate(store: &mut Store, hook: i64, now: Timestamp) {
    let Some(hook) = store.hooks.get_mut(&hook) else {
        return;
    };
    hook.active = false;
    hook.deactivated = true;
    hook.updated = now;
    let text = format!("hook {} for {} was deactivated", hook.id, hook.scope);
    store.mails.push(Mail { at: now, kind: "hook", order_id: 0, text });
}

/// Tells the other hooks of the same account that listen for trouble.
fn exception(store: &mut Store, hook: i64, code: i64, message: &str, now: Timestamp) {
    let Some(known) = store.hooks.get_mut(&hook) else {
        return;
    };
    if known.wants(EXCEPTION) {
        return;
    }
    if code == 90_001 {
        if known.last_exception.is_some_and(|last| now.duration_since(last) < EXCEPTION_PAUSE) {
            return;
        }
        known.last_exception = Some(now);
    }
    let client = known.client_id.clone();
    let data = vec![("type", json!("webhook")), ("id", json!(hook)), ("error_code", json!(code)), ("message", json!(message))];
    store.emit_to(&client, EXCEPTION, data, now);
}

fn announce_block(stores: &mut BTreeMap<String, Store>, key: &(String, String), now: Timestamp) {
    for store in stores.values_mut() {
        let of_key = |hook: &&super::hook::Hook| hook.client_id == key.0 && domain(&hook.destination) == key.1;
        if let Some(hook) = store.hooks.values().find(of_key).map(|hook| hook.id) {
            exception(store, hook, 90_003, "the destination's domain is block-listed", now);
        }
    }
}

/// Host and, off the standard port, the port.
fn domain(destination: &str) -> String {
    url::Url::parse(destination).map(|url| url.authority().to_owned()).unwrap_or_default()
}
