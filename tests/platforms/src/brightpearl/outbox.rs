//! Webhook delivery: matching, id-set compaction, templates, quality of service and retries (BP §d.2–d.4).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Account, Raised, Simulated};
use super::forgery::Spoil;
use super::idset;
use super::switches::Switches;
use super::time::{later, show_utc};
use super::webhook::Hook;
use crate::core::{Delivery, DeliveryOutcome};

/// Version text that templates may ask for (BP §d.6).
const VERSION: &str = "5.12.311";

/// One call to make, or under way.
#[derive(Debug, Clone)]
struct Outgoing {
    account: String,
    hook: Hook,
    event: String,
    ids: Vec<i64>,
    raised_on: Timestamp,
    variables: Vec<(String, String)>,
    due: Timestamp,
    /// Until then, further ids of the same event join this call.
    open_until: Option<Timestamp>,
    tries: u32,
    in_flight: bool,
    /// Its hook was deleted while it was under way: it is not repeated.
    hook_gone: bool,
    /// What is wrong with it on purpose; it is not repeated.
    forged: Option<Spoil>,
}

/// The calls not yet answered for good.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: BTreeMap<u64, Outgoing>,
    last_id: u64,
    lost: u64,
}

impl Outbox {
    /// Takes the events that a call raised and makes webhook calls of them.
    pub fn accept(&mut self, account: &mut Account, switches: &Switches, now: Timestamp) {
        for raised in std::mem::take(&mut account.raised) {
            let hooks: Vec<Hook> = account.hooks.values().filter(|hook| hook.wants(&raised.event)).cloned().collect();
            for hook in hooks {
                self.add(&account.code, hook, &raised, switches, now);
            }
        }
        self.forget_gone(account, switches);
        for Simulated { hook, variables, ids } in std::mem::take(&mut account.simulated) {
            let Some(hook) = account.hooks.get(&hook).cloned() else { continue };
            let groups = if hook.id_set_accepted { vec![ids] } else { ids.into_iter().map(|id| vec![id]).collect() };
            for ids in groups {
                let event = format!("simulate.{}", hook.subscribe_to);
                let variables = variables.clone();
                self.push(Outgoing {
                    account: account.code.clone(),
                    hook: hook.clone(),
                    event,
                    ids,
                    raised_on: now,
                    variables,
                    due: now,
                    open_until: None,
                    tries: 0,
                    in_flight: false,
                    hook_gone: false,
                    forged: None,
                });
            }
        }
    }

    fn add(&mut self, account: &str, hook: Hook, raised: &Raised, switches: &Switches, now: Timestamp) {
        let until = later(now, switches.number("webhook_window_ms"));
        if hook.id_set_accepted {
            let open = self.waiting.values_mut().find(|one| {
                one.account == account && one.hook.id == hook.id && one.event == raised.event && one.open_until.is_some_and(|end| end > now)
            });
            if let Some(open) = open {
                if !open.ids.contains(&raised.id) {
                    open.ids.push(raised.id);
                }
                return;
            }
        }
        let open_until = hook.id_set_accepted.then_some(until);
        let due = if hook.id_set_accepted { until } else { now };
        self.push(Outgoing {
            account: account.to_owned(),
            hook,
            event: raised.event.clone(),
            ids: vec![raised.id],
            raised_on: raised.at,
            variables: Vec::new(),
            due,
            open_until,
            tries: 0,
            in_flight: false,
            hook_gone: false,
            forged: None,
        });
    }

    /// A call that looks like a hook's and comes from someone else.
    pub fn forge(&mut self, account: &str, hook: Hook, event: String, ids: Vec<i64>, spoil: Spoil, now: Timestamp) {
        self.push(Outgoing {
            account: account.to_owned(),
            hook,
            event,
            ids,
            raised_on: now,
            variables: Vec::new(),
            due: now,
            open_until: None,
            tries: 0,
            in_flight: false,
            hook_gone: false,
            forged: Some(spoil),
        });
    }

    /// Drops the calls of hooks that are gone, where the switch says so.
    fn forget_gone(&mut self, account: &Account, switches: &Switches) {
        if switches.is("webhook_after_delete", "delivered") {
            return;
        }
        for one in self.waiting.values_mut().filter(|one| one.account == account.code) {
            one.hook_gone = one.forged.is_none() && !account.hooks.contains_key(&one.hook.id);
        }
        self.waiting.retain(|_, one| one.in_flight || !one.hook_gone);
    }

    fn push(&mut self, outgoing: Outgoing) {
        self.last_id += 1;
        self.waiting.insert(self.last_id, outgoing);
    }

    /// The calls to make now.
    pub fn due(&mut self, switches: &Switches, now: Timestamp) -> Vec<Delivery> {
        let mut due = Vec::new();
        for (id, one) in self.waiting.iter_mut().filter(|(_, one)| !one.in_flight && one.due <= now) {
            one.in_flight = true;
            one.open_until = None;
            one.tries += 1;
            let fresh = one.tries > 1 && switches.is("webhook_retry_raised_on", "fresh");
            due.push(one.render(*id, if fresh { now } else { one.raised_on }));
        }
        due
    }

    /// Books an answer: QoS 0 is tried again only on 503, QoS 1 on every failure but a 4xx (BP §d.4).
    pub fn delivered(&mut self, id: u64, outcome: &DeliveryOutcome, switches: &Switches, now: Timestamp) {
        let Some(one) = self.waiting.get_mut(&id) else { return };
        one.in_flight = false;
        let again = match outcome {
            DeliveryOutcome::Answered(status) if (200..300).contains(status) => {
                self.waiting.remove(&id);
                return;
            }
            DeliveryOutcome::Answered(503) => true,
            DeliveryOutcome::Answered(status) => one.hook.quality_of_service == 1 && !(400..500).contains(status),
            DeliveryOutcome::Failed(_) => one.hook.quality_of_service == 1,
        };
        let tries_max = u32::try_from(switches.number("webhook_tries")).unwrap_or(u32::MAX);
        let once = one.hook_gone || one.forged.is_some();
        if again && !once && one.tries < tries_max {
            let doubled = 1_i64 << one.tries.saturating_sub(1).min(10);
            one.due = later(now, switches.number("webhook_retry_ms").saturating_mul(doubled));
        } else {
            self.lost += 1;
            self.waiting.remove(&id);
        }
    }

    /// Calls waiting and lost, for the control API.
    pub fn view(&self, account: &str) -> Value {
        let waiting: Vec<Value> = self.waiting.values().filter(|one| one.account == account).map(|one| {
            json!({"hook": one.hook.id, "event": one.event, "ids": idset::compact(&one.ids), "due": one.due.to_string(), "tries": one.tries, "in_flight": one.in_flight})
        }).collect();
        json!({"waiting": waiting, "lost_in_all": self.lost})
    }
}

impl Outgoing {
    fn render(&self, id: u64, raised_on: Timestamp) -> Delivery {
        let mut parts = self.event.splitn(3, '.');
        let (resource, lifecycle, specifier) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mut variables = vec![
            ("${account-code}".to_owned(), self.account.clone()),
            ("${resource-type}".to_owned(), resource.to_owned()),
            ("${lifecycle-event}".to_owned(), lifecycle.to_owned()),
            ("${full-event}".to_owned(), self.event.clone()),
            ("${resource-specifier}".to_owned(), specifier.to_owned()),
            ("${raised-on}".to_owned(), show_utc(raised_on)),
            ("${brightpearl-version}".to_owned(), VERSION.to_owned()),
        ];
        for (name, value) in &self.variables {
            variables.retain(|(known, _)| known != name);
            variables.push((name.clone(), value.clone()));
        }
        variables.retain(|(name, _)| name != "${resource-id}");
        variables.push(("${resource-id}".to_owned(), idset::compact(&self.ids)));
        let fill = |template: &str| variables.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value));
        let (uri, body) = match self.forged {
            Some(spoil) => spoil.templates(&self.hook),
            None => (self.hook.uri_template.clone(), self.hook.body_template.clone()),
        };
        let with_body = matches!(self.hook.method.as_str(), "POST" | "PUT");
        Delivery {
            id,
            tenant: self.account.clone(),
            event: if self.forged.is_some() { format!("forged.{}", self.event) } else { self.event.clone() },
            attempt: self.tries,
            method: self.hook.method.clone(),
            url: fill(&uri),
            headers: if with_body { vec![("content-type".to_owned(), self.hook.content_type.clone())] } else { Vec::new() },
            body: if with_body { fill(&body).into_bytes() } else { Vec::new() },
        }
    }
}
