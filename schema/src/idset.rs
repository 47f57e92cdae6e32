//! Brightpearl's id sets: `8`, `1-5`, `1,4,9`, `1.4.9` and mixtures of them (BP §a.6).

use thiserror::Error;

/// Why a text is not an id set, or cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdSetError {
    /// It has a character or a form that no id set has.
    #[error("an id set holds positive whole numbers, ascending ranges, commas and dots")]
    Malformed,
    /// It names more ids than the caller allows.
    #[error("an id set names more than {0} ids")]
    TooMany(usize),
}

/// Whether a text has the form of an id set; nothing is expanded, so its size does not matter.
#[must_use]
pub fn is_id_set(text: &str) -> bool {
    !text.is_empty() && text.split([',', '.']).all(|part| range(part).is_some())
}

/// Expands an id set to at most `limit` distinct ids, ascending.
///
/// # Errors
/// [`IdSetError::Malformed`] for anything that is not an id set, [`IdSetError::TooMany`] beyond `limit`.
pub fn expand(text: &str, limit: usize) -> Result<Vec<u64>, IdSetError> {
    let mut ids = Vec::new();
    for part in text.split([',', '.']) {
        let (first, last) = range(part).ok_or(IdSetError::Malformed)?;
        let room = u64::try_from(limit.saturating_sub(ids.len())).unwrap_or(u64::MAX);
        if last - first >= room {
            return Err(IdSetError::TooMany(limit));
        }
        ids.extend(first..=last);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Writes ids as the shortest id set: sorted, distinct, runs as ranges.
#[must_use]
pub fn compact(ids: impl IntoIterator<Item = u64>) -> String {
    let mut ids: Vec<u64> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for id in ids {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            _ => runs.push((id, id)),
        }
    }
    let text = |&(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}

fn range(part: &str) -> Option<(u64, u64)> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten().filter(|&id| id > 0 && id < u64::MAX)
    };
    match part.split_once('-') {
        None => number(part).map(|id| (id, id)),
        Some((first, last)) => Some((number(first)?, number(last)?)).filter(|(first, last)| first <= last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_documented_form_is_expanded() {
        for (text, ids) in [
            ("8", vec![8]),
            ("1-5", vec![1, 2, 3, 4, 5]),
            ("1,4,9", vec![1, 4, 9]),
            ("1.4.9", vec![1, 4, 9]),
            ("1-3,99,202", vec![1, 2, 3, 99, 202]),
            ("4101-4103,4110", vec![4101, 4102, 4103, 4110]),
            ("3,1,3", vec![1, 3]),
        ] {
            assert_eq!(expand(text, 100).unwrap(), ids, "{text}");
            assert!(is_id_set(text));
        }
    }

    #[test]
    fn what_is_not_an_id_set_is_refused() {
        for text in ["", ",", "5-1", "0", "-3", "a", "1-", "1--2", "1, 2", "18446744073709551615", "99999999999999999999"] {
            assert_eq!(expand(text, 100), Err(IdSetError::Malformed), "{text}");
            assert!(!is_id_set(text), "{text}");
        }
    }

    #[test]
    fn a_huge_range_is_refused_without_being_built() {
        assert!(is_id_set("1-18446744073709551000"));
        assert_eq!(expand("1-18446744073709551000", 10_000), Err(IdSetError::TooMany(10_000)));
        assert_eq!(expand("1-10001", 10_000), Err(IdSetError::TooMany(10_000)));
        assert_eq!(expand("1-10000", 10_000).unwrap().len(), 10_000);
    }

    proptest! {
        #[test]
        fn compacting_and_expanding_gives_the_same_ids(mut ids in prop::collection::vec(1u64..500, 1..80)) {
            let text = compact(ids.iter().copied());
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(expand(&text, 1000).unwrap(), ids);
        }

        #[test]
        fn ids_of_any_size_are_written_and_read_back(mut ids in prop::collection::vec(1..u64::MAX, 1..40), run in 0u64..5) {
            ids.extend((0..run).map(|n| u64::MAX - 1 - n));
            let text = compact(ids.iter().copied());
            ids.sort_unstable();
            ids.dedup();
            prop_assert!(is_id_set(&text));
            prop_assert_eq!(expand(&text, 100).unwrap(), ids);
        }

        #[test]
        fn no_foreign_letter_makes_it_panic_or_is_taken(text in ".{0,40}") {
            let ours = text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '-'));
            prop_assert!(ours || expand(&text, 1000) == Err(IdSetError::Malformed) || expand(&text, 1000) == Err(IdSetError::TooMany(1000)));
            prop_assert!(ours || !is_id_set(&text));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9,.\\- a]{0,24}") {
            prop_assert_eq!(expand(&text, usize::MAX >> 40).is_ok() || expand(&text, usize::MAX >> 40) == Err(IdSetError::TooMany(usize::MAX >> 40)), is_id_set(&text));
        }
    }
}
