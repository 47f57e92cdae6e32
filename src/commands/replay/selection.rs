//! Which events are replayed.

use std::fmt;
use std::str::FromStr;

use anyhow::{anyhow, ensure};
use clap::Args;
use jiff::Timestamp;
use orderbridge_kafka::{Reader, Span};
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::topics::Topic;
use orderbridge_schema::work::WorkKind;
use serde::{Deserialize, Serialize};

use crate::commands::Usage;
use crate::commands::arguments::{When, event_topic, when};

/// The options that select.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is selected (all that is given must fit)")]
pub struct Wish {
    /// Events of these topics; of all topics if none is given
    #[arg(long = "topic", value_name = "TOPIC", num_args = 1.., value_parser = event_topic)]
    topics: Vec<Topic>,
    /// Events of this tenant; those of its Brightpearl account count if they are about its orders
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
    /// Events taken in at this time or later: 2026-03-01T09:00:00Z, 2026-03-01, or how long ago, such as 2h
    #[arg(long, value_name = "TIME", value_parser = when)]
    from: Option<When>,
    /// Events taken in before this time
    #[arg(long, value_name = "TIME", value_parser = when)]
    to: Option<When>,
    /// Records of the one topic given: PARTITION:OFFSET, PARTITION:FIRST-LAST or PARTITION:FIRST- (from there on)
    #[arg(long = "offset", value_name = "RANGE", num_args = 1..)]
    offsets: Vec<OffsetRange>,
    /// Events about these, such as order/250 (also those of its sales order and notes), sales-order/70001 or goods-out-note/4101
    #[arg(long = "entity", value_name = "KIND/ID", num_args = 1.., requires = "tenant")]
    entities: Vec<Entity>,
}

/// Some records of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OffsetRange {
    partition: i32,
    first: i64,
    /// Included; none is all that follow.
    last: Option<i64>,
}

impl FromStr for OffsetRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (partition, range) = text.split_once(':')?;
            let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
            let (first, last) = match range.split_once('-') {
                None => (number(range)?, Some(number(range)?)),
                Some((first, "")) => (number(first)?, None),
                Some((first, last)) => (number(first)?, Some(number(last)?)),
            };
            let partition = partition.parse::<i32>().ok().filter(|partition| *partition >= 0)?;
            last.is_none_or(|last| last >= first).then_some(Self { partition, first, last })
        };
        read().ok_or_else(|| "records are named PARTITION:OFFSET, PARTITION:FIRST-LAST or PARTITION:FIRST-, such as 0:100-199".to_owned())
    }
}

impl fmt::Display for OffsetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            Some(last) if last == self.first => write!(f, "{}:{}", self.partition, self.first),
            Some(last) => write!(f, "{}:{}-{last}", self.partition, self.first),
            None => write!(f, "{}:{}-", self.partition, self.first),
        }
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Entity {
    /// Its kind.
    pub kind: WorkKind,
    /// Its id.
    pub id: u64,
}

impl FromStr for Entity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "an entity is named KIND/ID, such as order/250, sales-order/70001, goods-out-note/4101 or product/1001".to_owned();
        let (kind, id) = text.split_once('/').ok_or_else(form)?;
        let kind = kind.parse::<WorkKind>().ok().filter(|kind| !matches!(kind, WorkKind::Connection | WorkKind::Sweep)).ok_or_else(form)?;
        Ok(Self { kind, id: id.parse().map_err(|_error| form())? })
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )+};
}

as_text!(OffsetRange, Entity);

/// What was selected, with all times as moments, so that it means the same whenever it is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Which topics.
    pub topics: Vec<Topic>,
    /// Whose events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Taken in from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Taken in before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Which records of the one topic; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<OffsetRange>,
    /// About what; anything if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
}

impl Selection {
    /// What a command line selects.
    ///
    /// # Errors
    /// [`Usage`] if that is nothing, or everything by mistake.
    pub fn of(wish: &Wish, now: Timestamp) -> Result<Self, Usage> {
        let nothing = wish.topics.is_empty()
            && wish.tenant.is_none()
            && wish.from.is_none()
            && wish.to.is_none()
            && wish.offsets.is_empty()
            && wish.entities.is_empty();
        if nothing {
            return Err(Usage("say what is to be replayed: --topic, --tenant, --from, --to, --offset or --entity".into()));
        }
        if !wish.offsets.is_empty() && wish.topics.len() != 1 {
            return Err(Usage("--offset counts within one topic: give exactly one --topic".into()));
        }
        let (from, to) = (wish.from.map(|from| from.seen_from(now)), wish.to.map(|to| to.seen_from(now)));
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Usage(format!("--to ({to:.0}) must be later than --from ({from:.0})")));
        }
        if let Some(from) = from.filter(|from| *from > now) {
            return Err(Usage(format!("--from ({from:.0}) has not come yet")));
        }
        let mut topics = if wish.topics.is_empty() { Topic::events().collect() } else { wish.topics.clone() };
        topics.sort_unstable();
        topics.dedup();
        let mut entities = wish.entities.clone();
        entities.sort_unstable();
        entities.dedup();
        Ok(Self { topics, tenant: wish.tenant.clone(), from, to, offsets: wish.offsets.clone(), entities })
    }

    /// All of one tenant's in a span of time, where no events are read.
    pub const fn of_tenant(tenant: TenantId, from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        Self { topics: Vec::new(), tenant: Some(tenant), from, to, offsets: Vec::new(), entities: Vec::new() }
    }

    /// The records that are there now and fit, as far as that can be told without reading them.
    ///
    /// # Errors
    /// The brokers fail, a topic has no such partition, or nothing is there.
    pub async fn spans(&self, reader: &Reader) -> anyhow::Result<Vec<Span>> {
        let mut all = Vec::new();
        for &topic in &self.topics {
            let whole = self.cut(topic, reader.whole(topic).await?)?;
            let mut spans: Vec<Span> = whole.into_iter().filter(|span| !span.is_empty()).collect();
            if let Some(from) = self.from {
                let found = reader.offsets_at(&spans, from).await?;
                spans.iter_mut().zip(found).for_each(|(span, from)| span.from = span.from.max(from));
            }
            if let Some(to) = self.to {
                let found = reader.offsets_at(&spans, to).await?;
                spans.iter_mut().zip(found).for_each(|(span, to)| span.to = span.to.min(to));
            }
            all.extend(spans.into_iter().filter(|span| !span.is_empty()));
        }
        ensure!(!all.is_empty(), "no record is selected: nothing on {} fits, or its retention has ended", self.told_topics());
        Ok(all)
    }

    /// The parts of a topic that the offsets name; one that is named twice is read once.
    fn cut(&self, topic: Topic, whole: Vec<Span>) -> anyhow::Result<Vec<Span>> {
        if self.offsets.is_empty() {
            return Ok(whole);
        }
        let mut parts: Vec<Span> = Vec::new();
        for range in &self.offsets {
            let last = whole.len().saturating_sub(1);
            let span = whole.iter().find(|span| span.at.partition == range.partition);
            let span = span.ok_or_else(|| anyhow!("{topic} has no partition {}, only 0 to {last}", range.partition))?;
            let to = range.last.map_or(span.to, |last| span.to.min(last.saturating_add(1)));
            let part = Span { from: span.from.max(range.first), to, ..*span };
            ensure!(
                !parts.iter().any(|other| other.at == part.at && !part.is_empty()),
                "--offset names partition {} twice: replay its parts one after the other",
                range.partition
            );
            parts.push(part);
        }
        Ok(parts)
    }

    fn told_topics(&self) -> String {
        if self.topics.len() == Topic::events().count() {
            return "any topic".to_owned();
        }
        self.topics.iter().map(|topic| topic.name()).collect::<Vec<_>>().join(", ")
    }

    /// In one line, as it could have been typed.
    pub fn told(&self) -> String {
        let mut words = Vec::new();
        if self.topics.len() < Topic::events().count() {
            words.extend(self.topics.iter().map(|topic| format!("--topic {topic}")));
        }
        words.extend(self.tenant.iter().map(|tenant| format!("--tenant {tenant}")));
        words.extend(self.from.iter().map(|from| format!("--from {from}")));
        words.extend(self.to.iter().map(|to| format!("--to {to}")));
        words.extend(self.offsets.iter().map(|range| format!("--offset {range}")));
        words.extend(self.entities.iter().map(|entity| format!("--entity {entity}")));
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_kafka::Partition;

    fn wish() -> Wish {
        Wish { topics: Vec::new(), tenant: None, from: None, to: None, offsets: Vec::new(), entities: Vec::new() }
    }

    fn now() -> Timestamp {
        "2026-03-10T12:00:00Z".parse().unwrap()
    }

    fn refused(wish: &Wish) -> String {
        Selection::of(wish, now()).unwrap_err().to_string()
    }

    #[test]
    fn offsets_and_entities_are_read_as_they_are_printed() {
        for text in ["0:17", "2:0-99", "1:5-"] {
            assert_eq!(text.parse::<OffsetRange>().unwrap().to_string(), text);
        }
        for bad in ["17", "0:", "0:9-3", "-1:3", "0:-3", "0:a", "0:1-2-3"] {
            assert!(bad.parse::<OffsetRange>().is_err(), "{bad}");
        }
        assert_eq!("order/250".parse::<Entity>().unwrap().to_string(), "order/250");
        for bad in ["order", "order/x", "thing/1", "sweep/1", "order/-1"] {
            assert!(bad.parse::<Entity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_selection_of_nothing_and_one_that_ends_before_it_begins_are_refused() {
        assert!(refused(&wish()).contains("say what"));
        let at = |text: &str| Some(when(text).unwrap());
        assert!(refused(&Wish { from: at("2h"), to: at("3h"), ..wish() }).contains("--to"));
        assert!(refused(&Wish { from: at("2027-01-01"), ..wish() }).contains("not come yet"));
        let offsets = vec!["0:1".parse().unwrap()];
        assert!(refused(&Wish { offsets: offsets.clone(), ..wish() }).contains("exactly one --topic"));
        assert!(Selection::of(&Wish { offsets, topics: vec![Topic::BigcommerceOrders], ..wish() }, now()).is_ok());
    }

    #[test]
    fn what_was_selected_is_kept_with_its_times_as_moments() {
        let tenant = TenantId::new("acme-uk").unwrap();
        let wish = Wish { tenant: Some(tenant), from: Some(when("2h").unwrap()), entities: vec!["order/250".parse().unwrap()], ..wish() };
        let selection = Selection::of(&wish, now()).unwrap();
        let kept = serde_json::to_value(&selection).unwrap();
        assert_eq!(kept["from"], "2026-03-10T10:00:00Z");
        assert_eq!(serde_json::from_value::<Selection>(kept).unwrap(), selection);
        assert_eq!(selection.told(), "--tenant acme-uk --from 2026-03-10T10:00:00Z --entity order/250");
    }

    #[test]
    fn offsets_cut_partitions_to_what_is_there() {
        let topic = Topic::BigcommerceOrders;
        let span = |partition, from, to| Span { at: Partition { topic, partition }, from, to };
        let whole = || vec![span(0, 10, 20), span(1, 0, 5)];
        let cut = |ranges: &[&str]| {
            let offsets = ranges.iter().map(|range| range.parse().unwrap()).collect();
            let selection = Selection { topics: vec![topic], tenant: None, from: None, to: None, offsets, entities: Vec::new() };
            selection.cut(topic, whole())
        };
        assert_eq!(cut(&[]).unwrap(), whole());
        assert_eq!(cut(&["0:3-12", "1:2-"]).unwrap(), [span(0, 10, 13), span(1, 2, 5)]);
        assert!(cut(&["0:3"]).unwrap()[0].is_empty());
        assert!(cut(&["7:3"]).unwrap_err().to_string().contains("no partition 7"));
        assert!(cut(&["0:11-12", "0:15"]).unwrap_err().to_string().contains("twice"));
    }
}
