//! What is to be done so that exactly the wanted registrations of ours are left.

use std::fmt;

/// How a registration of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitness {
    /// As it should be.
    Fits,
    /// As it should be, but the platform stopped delivering to it.
    Inactive,
    /// Made with another secret than we register now; it can be given the new one where it stands.
    OldSecret,
    /// Made with another secret, form or address than we register now, and the platform cannot change it: a new one takes its place.
    Outdated,
}

/// A registration of ours that the platform has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The platform's id of it.
    pub id: u64,
    /// What it is told of.
    pub event: String,
    /// How it is.
    pub fitness: Fitness,
}

/// One thing to do. Its `Display` tells it in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Register for this event.
    Create {
        /// Which event.
        event: String,
    },
    /// Make it deliver again.
    Activate {
        /// The platform's id.
        id: u64,
        /// Which event.
        event: String,
    },
    /// Give it the newest secret; it keeps its id, and nothing is missed meanwhile.
    Renew {
        /// The platform's id.
        id: u64,
        /// Which event.
        event: String,
    },
    /// Take it away.
    Remove {
        /// The platform's id.
        id: u64,
        /// Which event.
        event: String,
        /// Why, in plain words.
        why: &'static str,
    },
}

impl Step {
    /// Which event it is about.
    #[must_use]
    pub fn event(&self) -> &str {
        match self {
            Self::Create { event } | Self::Activate { event, .. } | Self::Renew { event, .. } | Self::Remove { event, .. } => event,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { event } => write!(f, "register {event}"),
            Self::Activate { id, event } => write!(f, "revive {event} (number {id})"),
            Self::Renew { id, event } => write!(f, "renew the secret of {event} (number {id})"),
            Self::Remove { id, event, why } => write!(f, "remove {event} (number {id}): {why}"),
        }
    }
}

/// The steps, in an order that leaves no event without a registration: what is wanted is there before anything is taken away. After a
/// step that failed, no other of its event may be taken ([`Step::event`]).
#[must_use]
pub fn plan(wanted: &[&str], found: &[Found]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut kept = Vec::new();
    for &event in wanted {
        let of_event = |fitness| found.iter().find(move |one| one.event == event && one.fitness == fitness).map(|one| one.id);
        let event = event.to_owned();
        if let Some(id) = of_event(Fitness::Fits) {
            kept.push(id);
        } else if let Some(id) = of_event(Fitness::Inactive) {
            kept.push(id);
            steps.push(Step::Activate { id, event });
        } else if let Some(id) = of_event(Fitness::OldSecret) {
            kept.push(id);
            steps.push(Step::Renew { id, event });
        } else {
            steps.push(Step::Create { event });
        }
    }
    for one in found.iter().filter(|one| !kept.contains(&one.id)) {
        let why = match one.fitness {
            _ if !wanted.contains(&one.event.as_str()) => "we do not use this event",
            Fitness::Fits | Fitness::Inactive | Fitness::OldSecret => "it is there twice",
            Fitness::Outdated => "its secret or address is out of date",
        };
        steps.push(Step::Remove { id: one.id, event: one.event.clone(), why });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: [&str; 2] = ["order", "shipment"];

    fn found(id: u64, event: &str, fitness: Fitness) -> Found {
        Found { id, event: event.into(), fitness }
    }

    #[test]
    fn nothing_is_done_where_all_is_as_it_should_be() {
        let found = [found(1, "order", Fitness::Fits), found(2, "shipment", Fitness::Fits)];
        assert_eq!(plan(&WANTED, &found), []);
    }

    #[test]
    fn what_can_be_changed_is_changed_and_a_new_one_is_there_before_the_old_one_goes() {
        let found = [found(1, "order", Fitness::Outdated), found(2, "shipment", Fitness::OldSecret), found(3, "customer", Fitness::Fits)];
        let expected = [
            Step::Create { event: "order".into() },
            Step::Renew { id: 2, event: "shipment".into() },
            Step::Remove { id: 1, event: "order".into(), why: "its secret or address is out of date" },
            Step::Remove { id: 3, event: "customer".into(), why: "we do not use this event" },
        ];
        assert_eq!(plan(&WANTED, &found), expected);
    }

    #[test]
    fn inactive_ones_are_revived_and_doubles_go() {
        let found = [
            found(1, "order", Fitness::Inactive),
            found(2, "shipment", Fitness::Inactive),
            found(3, "shipment", Fitness::Fits),
            found(4, "shipment", Fitness::OldSecret),
        ];
        let expected = [
            Step::Activate { id: 1, event: "order".into() },
            Step::Remove { id: 2, event: "shipment".into(), why: "it is there twice" },
            Step::Remove { id: 4, event: "shipment".into(), why: "it is there twice" },
        ];
        assert_eq!(plan(&WANTED, &found), expected);
    }

    #[test]
    fn a_step_is_told_in_plain_words() {
        let event = || "store/order/*".to_owned();
        let told = [
            (Step::Create { event: event() }, "register store/order/*"),
            (Step::Activate { id: 7, event: event() }, "revive store/order/* (number 7)"),
            (Step::Renew { id: 7, event: event() }, "renew the secret of store/order/* (number 7)"),
            (Step::Remove { id: 7, event: event(), why: "it is there twice" }, "remove store/order/* (number 7): it is there twice"),
        ];
        for (step, text) in told {
            assert_eq!(step.to_string(), text);
        }
    }

    /// What the platform has after the steps were taken.
    fn after(found: &[Found], steps: &[Step]) -> Vec<Found> {
        let mut left = found.to_vec();
        for step in steps {
            match step {
                Step::Create { event } => left.push(Found { id: 100 + left.len() as u64, event: event.clone(), fitness: Fitness::Fits }),
                Step::Activate { id, .. } | Step::Renew { id, .. } => {
                    left.iter_mut().filter(|one| one.id == *id).for_each(|one| one.fitness = Fitness::Fits);
                }
                Step::Remove { id, .. } => left.retain(|one| one.id != *id),
            }
        }
        left
    }

    #[test]
    fn whatever_was_there_a_second_run_finds_nothing_to_do() {
        let all = [Fitness::Fits, Fitness::Inactive, Fitness::OldSecret, Fitness::Outdated];
        let mut cases = vec![Vec::new()];
        for (index, event) in ["order", "order", "shipment", "customer"].into_iter().enumerate() {
            let longer: Vec<Vec<Found>> =
                cases.iter().flat_map(|case| all.map(|fitness| [case.clone(), vec![found(index as u64, event, fitness)]].concat())).collect();
            cases.extend(longer);
        }
        assert!(cases.len() > 300);
        for case in cases {
            let left = after(&case, &plan(&WANTED, &case));
            assert_eq!(plan(&WANTED, &left), [], "{case:?}");
            assert_eq!(left.len(), 2, "{case:?}");
        }
    }
}
