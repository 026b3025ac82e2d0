//! Picking from what a term means: `web[0]`, `web[-1]`, `web[0:2]`, `web[1:]`.

/// Positions, counted from nought; both ends of a slice are included.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subscript {
    At(isize),
    Slice(usize, Option<usize>),
}

impl Subscript {
    /// The term without its subscript, and the subscript; a regular expression has none.
    pub(super) fn split(term: &str) -> (&str, Option<Self>) {
        let parts = term.strip_suffix(']').and_then(|term| term.rsplit_once('['));
        match parts {
            Some((name, inside)) if !name.is_empty() && !term.starts_with('~') => match Self::parse(inside) {
                Some(subscript) => (name, Some(subscript)),
                None => (term, None),
            },
            _ => (term, None),
        }
    }

    fn parse(inside: &str) -> Option<Self> {
        if let Ok(at) = inside.parse() {
            return (!inside.starts_with('+')).then_some(Self::At(at));
        }
        let (first, last) = inside.split_once([':', '-'])?;
        let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
        Some(Self::Slice(first.parse().ok()?, last))
    }

    /// The chosen items; `None` where a single position does not exist.
    pub(super) fn pick<T: Copy>(&self, items: &[T]) -> Option<Vec<T>> {
        match *self {
            Self::At(at) => {
                let at = if at < 0 { items.len().checked_sub(at.unsigned_abs())? } else { at.unsigned_abs() };
                items.get(at).map(|item| vec![*item])
            }
            Self::Slice(first, last) => {
                let end = last.map_or(items.len(), |last| last.saturating_add(1)).min(items.len());
                Some(items.get(first..end).map(<[T]>::to_vec).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Subscript;

    fn pick(term: &str) -> Option<Vec<u8>> {
        let (name, subscript) = Subscript::split(term);
        assert_eq!(name, "web");
        subscript.unwrap().pick(b"abcd")
    }

    #[test]
    fn picks_as_ansible_does() {
        assert_eq!(pick("web[0]").unwrap(), b"a");
        assert_eq!(pick("web[-1]").unwrap(), b"d");
        assert_eq!(pick("web[1:2]").unwrap(), b"bc");
        assert_eq!(pick("web[1-2]").unwrap(), b"bc");
        assert_eq!(pick("web[2:]").unwrap(), b"cd");
        assert_eq!(pick("web[3:99]").unwrap(), b"d");
        assert_eq!(pick("web[9:]").unwrap(), b"");
        assert_eq!((pick("web[4]"), pick("web[-5]")), (None, None));
    }

    #[test]
    fn leaves_globs_and_expressions_alone() {
        for term in ["web[ab]", "[01]", "~web[0]", "web"] {
            assert_eq!(Subscript::split(term), (term, None));
        }
    }
}
