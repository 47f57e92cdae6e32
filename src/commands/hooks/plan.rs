//! What is to be done so that exactly the wanted registrations of ours are left.

use serde::Serialize;

/// How a registration of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fitness {
    /// As it should be.
    Fits,
    /// As it should be, but the platform stopped delivering to it.
    Inactive,
    /// Made with another secret or form than we register now; the platform would not take the new one beside it.
    InTheWay,
    /// Made with another secret, form or address than we register now.
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

/// One thing to do.
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

/// The steps, in an order that leaves no event without a registration for longer than the platform makes it.
pub fn plan(wanted: &[&str], found: &[Found]) -> Vec<Step> {
    let mut first = Vec::new();
    let mut steps = Vec::new();
    let mut last = Vec::new();
    let mut kept = Vec::new();
    for &event in wanted {
        let of_event = |fitness| found.iter().find(move |one| one.event == event && one.fitness == fitness);
        if let Some(fits) = of_event(Fitness::Fits) {
            kept.push(fits.id);
        } else if let Some(inactive) = of_event(Fitness::Inactive) {
            kept.push(inactive.id);
            steps.push(Step::Activate { id: inactive.id, event: event.to_owned() });
        } else {
            steps.push(Step::Create { event: event.to_owned() });
        }
    }
    for one in found.iter().filter(|one| !kept.contains(&one.id)) {
        let remove = |why| Step::Remove { id: one.id, event: one.event.clone(), why };
        match one.fitness {
            _ if !wanted.contains(&one.event.as_str()) => last.push(remove("we do not use this event")),
            Fitness::Fits | Fitness::Inactive => last.push(remove("it is there twice")),
            Fitness::InTheWay => first.push(remove("its secret is out of date")),
            Fitness::Outdated => last.push(remove("its secret or address is out of date")),
        }
    }
    first.append(&mut steps);
    first.append(&mut last);
    first
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
    fn the_new_one_is_there_before_the_old_one_goes_unless_it_stands_in_the_way() {
        let found = [found(1, "order", Fitness::Outdated), found(2, "shipment", Fitness::InTheWay), found(3, "customer", Fitness::Fits)];
        let expected = [
            Step::Remove { id: 2, event: "shipment".into(), why: "its secret is out of date" },
            Step::Create { event: "order".into() },
            Step::Create { event: "shipment".into() },
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
            found(4, "shipment", Fitness::Fits),
        ];
        let expected = [
            Step::Activate { id: 1, event: "order".into() },
            Step::Remove { id: 2, event: "shipment".into(), why: "it is there twice" },
            Step::Remove { id: 4, event: "shipment".into(), why: "it is there twice" },
        ];
        assert_eq!(plan(&WANTED, &found), expected);
    }

    /// What the platform has after the steps were taken.
    fn after(found: &[Found], steps: &[Step]) -> Vec<Found> {
        let mut left = found.to_vec();
        for step in steps {
            match step {
                Step::Create { event } => left.push(Found { id: 100 + left.len() as u64, event: event.clone(), fitness: Fitness::Fits }),
                Step::Activate { id, .. } => left.iter_mut().filter(|one| one.id == *id).for_each(|one| one.fitness = Fitness::Fits),
                Step::Remove { id, .. } => left.retain(|one| one.id != *id),
            }
        }
        left
    }

    #[test]
    fn whatever_was_there_a_second_run_finds_nothing_to_do() {
        let all = [Fitness::Fits, Fitness::Inactive, Fitness::InTheWay, Fitness::Outdated];
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
