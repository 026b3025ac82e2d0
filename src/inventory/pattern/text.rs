//! A pattern's text: where one term ends and the next begins, and what a term says about a name.

use regex::Regex;

/// The terms of `pattern`, without the separators, blanks and empty terms.
///
/// A colon separates too, unless it is inside brackets or part of an IPv6 address.
pub(super) fn split(pattern: &str) -> Vec<&str> {
    let whole = pattern.trim();
    if is_ipv6(whole) {
        return vec![whole];
    }
    let mut terms = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    // Commas first: they separate everywhere, and what is between them may be an address.
    for (at, c) in whole.char_indices() {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                colons(&whole[start..at], &mut terms);
                start = at + 1;
            }
            _ => {}
        }
    }
    colons(&whole[start..], &mut terms);
    terms
}

fn colons<'a>(part: &'a str, terms: &mut Vec<&'a str>) {
    let part = part.trim();
    if is_ipv6(part.trim_start_matches(['!', '&'])) {
        return terms.push(part);
    }
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in part.char_indices() {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                terms.push(part[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(part[start..].trim());
    terms.retain(|term| !term.is_empty());
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// What one term says about names.
pub(super) enum Matcher {
    /// Exactly this one.
    Name(String),
    /// Those a regular expression matches: written with `~`, or made from a glob.
    Like(Regex),
}

impl Matcher {
    pub(super) fn new(term: &str) -> Result<Self, String> {
        let expression = if let Some(expression) = term.strip_prefix('~') {
            // As Python's `match`: from the beginning, but not to the end.
            format!("^(?:{expression})")
        } else if term.contains(['*', '?', '[']) {
            glob(term)
        } else {
            return Ok(Self::Name(term.to_owned()));
        };
        Regex::new(&expression).map(Self::Like).map_err(|error| {
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Like(expression) => expression.is_match(name),
        }
    }
}

/// `*`, `?`, `[abc]`, `[a-z]` and `[!abc]` as a regular expression; a bracket that is not closed is itself.
fn glob(term: &str) -> String {
    let mut expression = String::from("^");
    let mut rest = term;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => match rest.char_indices().skip(1).find(|(_, c)| *c == ']') {
                Some((end, _)) => {
                    let inside = rest[..end].replace('\\', "\\\\").replace('[', "\\[");
                    let inside = inside
                        .strip_prefix('!')
                        .map_or_else(|| escaped_caret(&inside), |set| format!("^{set}"));
                    expression.extend(["[", &inside, "]"]);
                    rest = &rest[end + 1..];
                }
                None => expression.push_str("\\["),
            },
            c => expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push('$');
    expression
}

fn escaped_caret(set: &str) -> String {
    set.strip_prefix('^').map_or_else(|| set.to_owned(), |rest| format!("\\^{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_separated_by_commas_and_colons() {
        for (pattern, terms) in [
            ("web", vec!["web"]),
            ("web:db", vec!["web", "db"]),
            ("web,db:&prod, !old", vec!["web", "db", "&prod", "!old"]),
            ("web[0:2]:db", vec!["web[0:2]", "db"]),
            ("fe80::1", vec!["fe80::1"]),
            ("fe80::1,!::1", vec!["fe80::1", "!::1"]),
            ("~web(1,2):db", vec!["~web(1,2)", "db"]),
            (" , :", vec![]),
        ] {
            assert_eq!(split(pattern), terms, "{pattern}");
        }
    }

    #[test]
    fn globs_are_those_of_a_shell() {
        for (glob, name, expected) in [
            ("web*", "web1.example", true),
            ("web?", "web12", false),
            ("web[12]", "web2", true),
            ("web[!12]", "web2", false),
            ("web[a-c]", "webb", true),
            ("*.ex", "aXex", false),
            ("[", "[", true),
            ("w*[^a]", "w^", true),
            ("~web\\d", "web1.example", true),
            ("~eb", "web", false),
        ] {
            assert_eq!(Matcher::new(glob).unwrap().matches(name), expected, "{glob} {name}");
        }
        assert!(Matcher::new("~web(").is_err_and(|why| !why.is_empty()));
    }
}
