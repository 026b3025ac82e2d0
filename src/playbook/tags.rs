//! Which tasks a run is about, by `--tags` and `--skip-tags`.

/// What was asked for on the command line. The empty selection runs everything but `never`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    pub only: Vec<String>,
    pub skip: Vec<String>,
}

impl Tags {
    /// Whether a task with these (inherited and own) tags is to run.
    ///
    /// Source: ansible-core 2.19, `Taggable.evaluate_tags`.
    pub fn selects(&self, tags: &[String]) -> bool {
        let has = |tag: &str| tags.iter().any(|own| own == tag);
        let shares = |asked: &[String]| asked.iter().any(|tag| has(tag));
        let asks = |asked: &[String], tag: &str| asked.iter().any(|one| one == tag);
        let tagged = !tags.is_empty();
        let untagged = |asked: &[String]| !tagged && asks(asked, "untagged");

        let all = self.only.is_empty() || asks(&self.only, "all");
        let runs = has("always")
            || (all && !has("never"))
            || shares(&self.only)
            || untagged(&self.only)
            || (asks(&self.only, "tagged") && tagged && !has("never"));
        let skipped = if asks(&self.skip, "all") {
            !has("always") || asks(&self.skip, "always")
        } else {
            shares(&self.skip) || untagged(&self.skip) || (asks(&self.skip, "tagged") && tagged)
        };
        runs && !skipped
    }
}

/// Shorthand for [`Tags::selects`].
pub fn selected(tags: &[String], asked: &Tags) -> bool {
    asked.selects(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(only: &[&str], skip: &[&str], tags: &[&str]) -> bool {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Tags { only: own(only), skip: own(skip) }.selects(&own(tags))
    }

    /// `--tags`, `--skip-tags`, the task's own, whether it runs.
    type Case = (&'static [&'static str], &'static [&'static str], &'static [&'static str], bool);

    #[test]
    fn follows_ansibles_special_tags() {
        let cases: &[Case] = &[
            (&[], &[], &[], true),
            (&[], &[], &["never"], false),
            (&["x"], &[], &[], false),
            (&["x"], &[], &["x"], true),
            (&["x"], &[], &["always"], true),
            (&["x"], &[], &["never", "x"], true),
            (&["tagged"], &[], &["x"], true),
            (&["tagged"], &[], &["x", "never"], false),
            (&["untagged"], &[], &[], true),
            (&["untagged"], &[], &["x"], false),
            (&["all"], &[], &["never"], false),
            (&[], &["x"], &["x", "always"], false),
            (&[], &["all"], &["always"], true),
            (&[], &["all", "always"], &["always"], false),
            (&[], &["tagged"], &["x"], false),
            (&[], &["untagged"], &[], false),
            (&["x"], &["always"], &["always"], false),
        ];
        for (only, skip, tags, expected) in cases {
            assert_eq!(run(only, skip, tags), *expected, "--tags {only:?} --skip-tags {skip:?} on {tags:?}");
        }
    }
}
