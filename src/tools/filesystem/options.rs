//! The options of mkfs that a person may give. What is not listed is not passed on: an unknown word could be another
//! device, and an unknown option could force.

/// What of the options of one mkfs may be given.
#[derive(Debug)]
pub struct Options {
    /// The program they are for.
    pub program: &'static str,
    /// Options without a value.
    pub flags: &'static [&'static str],
    /// Options with a value: the next word, or joined to it.
    pub valued: &'static [&'static str],
    /// Options and beginnings of values that are said in another way, and how.
    pub instead: &'static [(&'static str, &'static str)],
}

impl Options {
    /// The words of the text, each value a word of its own; says what is not possible.
    pub fn read(&self, text: &str) -> Result<Vec<String>, String> {
        let words = shlex::split(text).ok_or_else(|| format!("the options `{text}` have an open quote"))?;
        let mut read = Vec::with_capacity(words.len());
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if self.flags.contains(&word.as_str()) {
                read.push(word);
                continue;
            }
            let (name, value) = self.split(&word)?;
            let value = match value {
                Some(value) => value,
                None => words
                    .next()
                    .ok_or_else(|| format!("the option `{name}` of {} has no value", self.program))?,
            };
            for part in value.split(',') {
                self.allowed(part, part)?;
            }
            read.extend([name.to_owned(), value]);
        }
        Ok(read)
    }

    /// The name of an option, and its value where that is joined to it.
    fn split(&self, word: &str) -> Result<(&'static str, Option<String>), String> {
        self.allowed(word, word)?;
        let found = self.valued.iter().find_map(|name| {
            let rest = word.strip_prefix(name)?;
            match (name.starts_with("--"), rest) {
                (_, "") => Some((*name, None)),
                (true, rest) => Some((*name, Some(rest.strip_prefix('=')?.to_owned()))),
                (false, rest) => Some((*name, Some(rest.to_owned()))),
            }
        });
        found.ok_or_else(|| match word.starts_with('-') {
            true => format!("the option `{word}` of {} is not supported yet", self.program),
            false => format!("`{word}` is no option of {}", self.program),
        })
    }

    fn allowed(&self, word: &str, shown: &str) -> Result<(), String> {
        let long = |name: &str| name.starts_with("--") || name.ends_with('=');
        let said = |name: &str| match long(name) {
            true => {
                word == name
                    || word
                        .strip_prefix(name)
                        .is_some_and(|rest| name.ends_with('=') || rest.starts_with('='))
            }
            false => word.starts_with(name) && !self.flags.contains(&word),
        };
        match self.instead.iter().find(|(name, _)| said(name)) {
            Some((_, how)) => {
                Err(format!("the option `{shown}` of {} is not passed on: {how}", self.program))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Options = Options {
        program: "mkfs.x",
        flags: &["-K", "--mixed"],
        valued: &["-m", "--data", "-d"],
        instead: &[("-f", "it is never forced"), ("--uuid", "use `uuid`"), ("uuid=", "use `uuid`")],
    };

    #[test]
    fn values_become_words_of_their_own() {
        assert_eq!(
            KNOWN.read("-K -m1 -d 'a b' --data=raid1 --mixed").unwrap(),
            ["-K", "-m", "1", "-d", "a b", "--data", "raid1", "--mixed"]
        );
        assert_eq!(KNOWN.read("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_forces_or_names_a_device_is_not_passed_on() {
        let bad = |text: &str| KNOWN.read(text).unwrap_err();
        assert_eq!(bad("-f"), "the option `-f` of mkfs.x is not passed on: it is never forced");
        assert_eq!(bad("-fK"), "the option `-fK` of mkfs.x is not passed on: it is never forced");
        assert_eq!(bad("-K /dev/sdb"), "`/dev/sdb` is no option of mkfs.x");
        assert_eq!(bad("-m crc=1,uuid=ab"), "the option `uuid=ab` of mkfs.x is not passed on: use `uuid`");
        assert_eq!(bad("--uuid=ab"), "the option `--uuid=ab` of mkfs.x is not passed on: use `uuid`");
        assert_eq!(bad("-z"), "the option `-z` of mkfs.x is not supported yet");
        assert_eq!(bad("-m"), "the option `-m` of mkfs.x has no value");
        assert_eq!(bad("'"), "the options `'` have an open quote");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = KNOWN.read(&text);
        }
    }
}
