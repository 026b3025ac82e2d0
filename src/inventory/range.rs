//! Ranges in host names: `nas[01:20]`, `db-[a:f]`, `www[0:10:5].ex`, several in one name.

/// More hosts than this from one name are a slip of the hand.
const MOST: usize = 100_000;

/// All names `text` stands for, the first range turning slowest; or what is wrong with it.
pub(super) fn expand(text: &str) -> Result<Vec<String>, String> {
    let Some((head, rest)) = text.split_once('[') else {
        if text.contains(']') {
            return Err("a range must be opened before it is closed".to_owned());
        }
        return Ok(vec![text.to_owned()]);
    };
    let (inside, tail) = rest.split_once(']').ok_or("the range is not closed with `]`")?;
    let here = one(inside)?;
    let tails = expand(tail)?;
    if here.len().saturating_mul(tails.len()) > MOST {
        return Err(format!("the ranges stand for more than {MOST} hosts"));
    }
    Ok(here.iter().flat_map(|item| tails.iter().map(move |tail| format!("{head}{item}{tail}"))).collect())
}

/// What stands between the brackets: `begin:end` or `begin:end:step`, both ends included.
fn one(inside: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = inside.split(':').collect();
    let (begin, end, step) = match parts[..] {
        [begin, end] => (begin, end, "1"),
        [begin, end, step] => (begin, end, step),
        _ => return Err(format!("a range is written `[1:10]` or `[1:10:2]`, not `[{inside}]`")),
    };
    let step: usize = step
        .parse()
        .ok()
        .filter(|step| *step > 0)
        .ok_or_else(|| format!("`{step}` is not a step of a range"))?;
    if end.is_empty() {
        return Err(format!("the range `[{inside}]` has no end"));
    }
    let begin = if begin.is_empty() { "0" } else { begin };
    match (letter(begin), letter(end)) {
        (Some(first), Some(last)) if first <= last => {
            Ok((first..=last).step_by(step).map(|index| LETTERS[index..=index].to_owned()).collect())
        }
        (Some(_), Some(_)) => Err(format!("the range `[{inside}]` runs backwards")),
        _ => numbers(inside, begin, end, step),
    }
}

/// The order of Python's `string.ascii_letters`, so that `[x:C]` is a range there and here.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(text: &str) -> Option<usize> {
    (text.len() == 1).then(|| LETTERS.find(text)).flatten()
}

fn numbers(inside: &str, begin: &str, end: &str, step: usize) -> Result<Vec<String>, String> {
    let number = |text: &str| -> Result<usize, String> {
        text.parse()
            .map_err(|_| format!("`{text}` in the range `[{inside}]` is neither a number nor a letter"))
    };
    let (first, last) = (number(begin)?, number(end)?);
    let width = if begin.len() > 1 && begin.starts_with('0') { begin.len() } else { 0 };
    if width > 0 && width != end.len() {
        return Err(format!("both ends of the range `[{inside}]` must have the same number of digits"));
    }
    if first > last {
        return Err(format!("the range `[{inside}]` runs backwards"));
    }
    if (last - first) / step >= MOST {
        return Err(format!("the ranges stand for more than {MOST} hosts"));
    }
    Ok((first..=last).step_by(step).map(|number| format!("{number:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn names(text: &str) -> String {
        expand(text).unwrap().join(" ")
    }

    #[test]
    fn counts_as_ansible_does() {
        assert_eq!(names("nas"), "nas");
        assert_eq!(names("nas[01:03]"), "nas01 nas02 nas03");
        assert_eq!(names("nas[8:11]"), "nas8 nas9 nas10 nas11");
        assert_eq!(names("db-[a:c].x"), "db-a.x db-b.x db-c.x");
        assert_eq!(names("w[0:10:5]"), "w0 w5 w10");
        assert_eq!(names("r[1:2]n[a:b]"), "r1na r1nb r2na r2nb");
        assert_eq!(names("w[:2]"), "w0 w1 w2");
    }

    #[test]
    fn refuses_what_is_no_range() {
        for (text, words) in [
            ("nas[1:", "not closed"),
            ("nas1]", "opened"),
            ("nas[1]", "is written"),
            ("nas[1:]", "no end"),
            ("nas[3:1]", "backwards"),
            ("nas[c:a]", "backwards"),
            ("nas[01:100]", "number of digits"),
            ("nas[a:9]", "neither a number nor a letter"),
            ("nas[1:9:0]", "not a step"),
            ("nas[1:99999999]", "more than 100000"),
            ("nas[1:1000][1:1000]", "more than 100000"),
        ] {
            assert!(expand(text).unwrap_err().contains(words), "{text}: {:?}", expand(text));
        }
    }
}
