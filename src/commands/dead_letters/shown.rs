//! A dead letter as it is printed.

use jiff::Timestamp;
use orderbridge_http_client::redact;
use serde::Serialize;

use super::State;
use super::shelf::Lettered;

/// One letter.
#[derive(Debug, Serialize)]
pub struct Shown {
    letter: String,
    state: &'static str,
    came_from: Option<Place>,
    why: String,
    first_unreadable_at: Option<Timestamp>,
    appended_at: Option<Timestamp>,
    bytes: usize,
    /// The letter it was before it was retried.
    former: Option<String>,
    marked: Option<Marked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
}

#[derive(Debug, Serialize)]
struct Place {
    topic: &'static str,
    partition: i32,
    offset: i64,
}

#[derive(Debug, Serialize)]
struct Marked {
    at: Timestamp,
    by: String,
    times: u32,
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct Content {
    key: String,
    headers: Vec<(String, String)>,
    value: String,
}

impl Shown {
    /// Without the record's key, headers and value: whatever was written there stays there.
    pub fn without_content(lettered: &Lettered) -> Self {
        let Lettered { letter, mark } = lettered;
        Self {
            letter: letter.place.to_string(),
            state: State::of(lettered).as_str(),
            came_from: letter.from.map(|(at, offset)| Place { topic: at.topic.name(), partition: at.partition, offset }),
            why: redact(&letter.reason),
            first_unreadable_at: letter.first_at,
            appended_at: letter.appended_at,
            bytes: letter.value.len(),
            former: letter.former.map(|place| place.to_string()),
            marked: mark.as_ref().map(|mark| Marked { at: mark.at, by: mark.by.clone(), times: mark.times, why: mark.why.clone() }),
            content: None,
        }
    }

    /// With the whole record.
    pub fn with_content(lettered: &Lettered) -> Self {
        let letter = &lettered.letter;
        let headers = letter.headers.iter().map(|(name, value)| (name.clone(), readable(value))).collect();
        let content = Content { key: readable(&letter.key), headers, value: readable(&letter.value) };
        Self { content: Some(content), ..Self::without_content(lettered) }
    }

    /// One row of the list.
    pub fn row(&self) -> Vec<String> {
        let since = self.first_unreadable_at.or(self.appended_at).map(|at| format!("{at:.0}")).unwrap_or_default();
        let former = self.former.as_ref().map(|former| format!(" (it was {former} before)")).unwrap_or_default();
        vec![self.letter.clone(), self.state.to_owned(), since, self.origin(), format!("{}{former}", self.why)]
    }

    /// All that is known of it.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("dead letter {}", self.letter), format!("  state          {}", self.state)];
        if let Some(marked) = &self.marked {
            let why = marked.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            lines.push(format!("  marked         {:.0} by {}{why}", marked.at, marked.by));
        }
        lines.push(format!("  came from      {}", self.origin()));
        lines.push(format!("  why            {}", self.why));
        lines.extend(self.first_unreadable_at.map(|at| format!("  since          {at:.0}")));
        lines.extend(self.former.as_ref().map(|former| format!("  it was         {former}, which was retried")));
        if let Some(content) = &self.content {
            lines.push(format!("  key            {}", content.key));
            lines.extend(content.headers.iter().map(|(name, value)| format!("  header         {name}: {value}")));
            lines.push(format!("  value          {} bytes", self.bytes));
            lines.push(content.value.clone());
        }
        lines
    }

    fn origin(&self) -> String {
        self.came_from.as_ref().map_or_else(|| "not told".to_owned(), |from| format!("{} {}:{}", from.topic, from.partition, from.offset))
    }
}

/// Text as it is but for what would act on a terminal, bytes as hexadecimal digits.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().flat_map(|c| if c.is_control() && c != '\n' { c.escape_default().collect() } else { vec![c] }).collect(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_kafka::{DeadLetter, LetterPlace};

    fn lettered(value: &[u8]) -> Lettered {
        let place = LetterPlace { partition: 0, offset: 17 };
        let letter = DeadLetter {
            place,
            appended_at: None,
            from: None,
            reason: "it holds mara@example.com".into(),
            first_at: None,
            former: Some(LetterPlace { offset: 3, ..place }),
            key: b"k\x1b[2J".to_vec(),
            value: value.to_vec(),
            headers: vec![("traceparent".into(), b"00-1".to_vec())],
        };
        Lettered { letter, mark: None }
    }

    #[test]
    fn a_list_tells_nothing_of_the_content() {
        let shown = Shown::without_content(&lettered(b"the secret"));
        let text = format!("{} {}", serde_json::to_string(&shown).unwrap(), shown.row().join(" "));
        assert!(!text.contains("the secret") && !text.contains("mara@") && !text.contains("traceparent"), "{text}");
        assert!(text.contains("0:17") && text.contains("open") && text.contains("it was 0:3 before"), "{text}");
    }

    #[test]
    fn content_is_shown_so_that_no_terminal_acts_on_it() {
        let shown = Shown::with_content(&lettered(b"{\"a\":\n1}")).lines().join("\n");
        assert!(shown.contains("{\"a\":\n1}") && shown.contains("k\\u{1b}[2J") && shown.contains("traceparent: 00-1"), "{shown}");
        assert!(Shown::with_content(&lettered(b"\xff\x00")).lines().contains(&"ff00".to_owned()));
    }
}
