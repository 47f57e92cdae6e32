//! ID sets (BP §a.6): `8`, `1-5`, `1,4,9`, `1.4.9` and mixtures.

use super::reply::Refusal;

/// Above this many ids a set is refused outright, whatever the resource's cap.
const EXPANDED_MAX: usize = 10_000;

/// Reads an ID set.
///
/// # Errors
/// 400 for what is no ID set or a range that descends.
pub fn parse(text: &str) -> Result<Vec<i64>, Refusal> {
    let refuse = || Refusal::bad("CMNC-999", format!("{text} is not a valid ID set"));
    let mut ids = Vec::new();
    for part in text.split([',', '.']) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let from: i64 = from.parse().map_err(|_ignored| refuse())?;
        let to: i64 = to.parse().map_err(|_ignored| refuse())?;
        if from < 0 || to < from {
            return Err(refuse());
        }
        let room = EXPANDED_MAX.saturating_sub(ids.len());
        if usize::try_from(to - from).map_err(|_ignored| refuse())? >= room {
            return Err(Refusal::bad("CMNC-999", "The ID set holds too many ids"));
        }
        ids.extend(from..=to);
    }
    Ok(ids)
}

/// Reads an ID set of at most `cap` ids.
///
/// # Errors
/// 400 for what is no ID set and for a larger one.
pub fn parse_capped(text: &str, cap: usize) -> Result<Vec<i64>, Refusal> {
    let ids = parse(text)?;
    if ids.len() > cap {
        return Err(Refusal::bad("CMNC-999", format!("At most {cap} ids may be requested at once")));
    }
    Ok(ids)
}

/// Writes sorted ids compactly: `4101-4103,4110`.
pub fn compact(ids: &[i64]) -> String {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for id in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            _ => runs.push((id, id)),
        }
    }
    let parts: Vec<String> = runs.into_iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect();
    parts.join(",")
}

/// The URIs of an OPTIONS answer: existing ids in groups of at most `cap` (BP §a.7).
pub fn uris(prefix: &str, ids: &[i64], cap: usize) -> Vec<String> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.chunks(cap.max(1)).map(|group| format!("{prefix}/{}", compact(group))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lists_and_dots_are_expanded() {
        assert_eq!(parse("1-3,99.202").unwrap(), vec![1, 2, 3, 99, 202]);
        assert_eq!(compact(&[4110, 4101, 4103, 4102]), "4101-4103,4110");
    }

    #[test]
    fn descending_ranges_words_and_oversized_sets_are_refused() {
        for wrong in ["5-1", "abc", "", "1,,2", "1-90000"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn uris_group_existing_ids_within_the_cap() {
        assert_eq!(uris("/order", &[1, 2, 5, 8], 3), vec!["/order/1-2,5", "/order/8"]);
    }
}
