//! Path patterns for fault rules and ledger filters.

/// A pattern over a whole path: `*` stands for any run of characters (slashes too, none at all too), `?` for exactly
/// one, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl Glob {
    /// Takes a pattern; every text is one.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where to go on when a later literal fails: the last star, and the text position it has eaten up to.
        let mut star: Option<(usize, usize)> = None;
        while let Some(&found) = text.get(t) {
            match self.0.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(&wanted) if wanted == '?' || wanted == found => {
                    p += 1;
                    t += 1;
                }
                _ => match star {
                    Some((at, eaten)) => {
                        star = Some((at, eaten + 1));
                        p = at + 1;
                        t = eaten + 1;
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(p).all(|&rest| rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_spans_segments_and_may_be_empty() {
        assert!(Glob::new("/stores/*/v2/orders/*").matches("/stores/abc/v2/orders/1/shipments"));
        assert!(Glob::new("*shipments*").matches("/v2/shipments"));
        assert!(Glob::new("/a*b").matches("/ab"));
        assert!(Glob::new("*a*b").matches("xaabab"));
    }

    #[test]
    fn the_whole_path_must_match() {
        assert!(!Glob::new("/v2/orders").matches("/v2/orders/1"));
        assert!(!Glob::new("orders").matches("/v2/orders"));
        assert!(Glob::new("/v?/time").matches("/v2/time"));
        assert!(!Glob::new("/v?/time").matches("/v/time"));
    }
}
