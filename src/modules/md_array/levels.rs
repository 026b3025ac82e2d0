//! Which levels lead to which, one reshape at a time: only ways that mdadm 4.2 on Linux 6.1 was seen to go with all
//! data kept. What has redundancy never goes a way on which it has none.

use crate::machine::array::{Level, Shape};

/// One reshape: to a level with so many members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) level: Level,
    pub(super) slots: u64,
}

/// The way from what is to what is wanted; nothing when that is the same. Says why there is none.
pub(super) fn way(from: &Shape, to: &Shape) -> Result<Vec<Leg>, String> {
    use Level::{Raid0, Raid1, Raid5, Raid6, Raid10};
    let leg = |level, slots| Leg { level, slots };
    let (now, then) = (from.slots, to.slots);
    let more = |level, begun: u64| (then > begun).then_some(leg(level, then));
    let fewer = || format!("an array is not made of fewer members, as from {now} to {then}");
    Ok(match (from.level, to.level) {
        (old, new) if old == new && now == then => Vec::new(),
        (Raid0, Raid0) => {
            return Err(
                "a raid0 is not given more members: the kernel makes a degraded raid4 of it; go to raid5, \
                        which takes more"
                    .to_owned(),
            );
        }
        (old, new) if old == new && then < now => return Err(fewer()),
        (Raid10, Raid10) if from.layout.spread != crate::machine::array::Spread::Near => {
            return Err(format!("raid10 {} takes no more members; only near layouts do", from.layout));
        }
        (Raid1 | Raid5 | Raid6 | Raid10, new) if from.level == new => vec![leg(new, then)],
        (Raid1, Raid5) if now == 2 => std::iter::once(leg(Raid5, 2)).chain(more(Raid5, 2)).collect(),
        (Raid1, Raid6) if now == 2 => [leg(Raid5, 2)]
            .into_iter()
            .chain((then > 3).then_some(leg(Raid5, then - 1)))
            .chain([leg(Raid6, then)])
            .collect(),
        (Raid1, Raid5 | Raid6) => {
            return Err(format!("raid1 becomes raid5 with two members, and this one has {now}"));
        }
        (Raid5, Raid6) if then > now => {
            std::iter::once(leg(Raid6, now + 1)).chain(more(Raid6, now + 1)).collect()
        }
        (Raid5, Raid6) => {
            return Err(format!(
                "raid6 needs one member more than the {now} of this raid5, and {then} are named"
            ));
        }
        (Raid6, Raid5) if then + 1 >= now => {
            std::iter::once(leg(Raid5, now - 1)).chain(more(Raid5, now - 1)).collect()
        }
        (Raid6, Raid5) => return Err(fewer()),
        (Raid0, Raid5) if then > now => {
            std::iter::once(leg(Raid5, now + 1)).chain(more(Raid5, now + 1)).collect()
        }
        (Raid0, Raid6) if then > now + 1 => {
            [leg(Raid5, now + 1), leg(Raid6, now + 2)].into_iter().chain(more(Raid6, now + 2)).collect()
        }
        (Raid0, Raid10) if then == 2 * now && to.layout == crate::machine::array::Layout::NEAR_2 => {
            vec![leg(Raid10, then)]
        }
        (Raid0, Raid10) => {
            return Err(format!(
                "raid0 of {now} becomes raid10 n2 of {}, not {} of {then}",
                2 * now,
                to.layout
            ));
        }
        (Raid0, Raid5 | Raid6) => {
            let least = if to.level == Raid5 { now + 1 } else { now + 2 };
            return Err(format!("{} of this raid0 of {now} needs {least} members or more", to.level.name()));
        }
        (Raid10, Raid5 | Raid6) => {
            return Err("raid10 becomes raid0 of half its members first, and only that becomes raid5: meanwhile every \
                        member is the only copy, so this is not done by itself"
                .to_owned());
        }
        (old, new) => {
            return Err(format!(
                "there is no way from {} to {} that keeps its redundancy",
                old.name(),
                new.name()
            ));
        }
    })
}

/// How many members can be lost, whichever they are.
pub(super) fn survives(shape: &Shape) -> u64 {
    match shape.level {
        Level::Raid0 => 0,
        Level::Raid1 => shape.slots - 1,
        Level::Raid5 => 1,
        Level::Raid6 => 2,
        Level::Raid10 => shape.layout.copies - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::array::Layout;

    fn shown(from: (Level, u64), to: (Level, u64)) -> String {
        let shape = |(level, slots)| Shape { level, layout: Layout::NEAR_2, chunk: 65536, slots };
        match way(&shape(from), &shape(to)) {
            Ok(legs) => {
                let legs: Vec<String> =
                    legs.iter().map(|leg| format!("{}/{}", leg.level.name(), leg.slots)).collect();
                legs.join(" ")
            }
            Err(why) => why,
        }
    }

    #[test]
    fn ways_that_were_seen() {
        use Level::{Raid0, Raid1, Raid5, Raid6, Raid10};
        assert_eq!(shown((Raid1, 2), (Raid5, 3)), "raid5/2 raid5/3");
        assert_eq!(shown((Raid1, 2), (Raid6, 5)), "raid5/2 raid5/4 raid6/5");
        assert_eq!(shown((Raid5, 3), (Raid6, 4)), "raid6/4");
        assert_eq!(shown((Raid5, 3), (Raid6, 6)), "raid6/4 raid6/6");
        assert_eq!(shown((Raid6, 5), (Raid5, 4)), "raid5/4");
        assert_eq!(shown((Raid6, 5), (Raid5, 5)), "raid5/4 raid5/5");
        assert_eq!(shown((Raid0, 2), (Raid10, 4)), "raid10/4");
        assert_eq!(shown((Raid0, 2), (Raid5, 3)), "raid5/3");
        assert_eq!(shown((Raid1, 2), (Raid1, 3)), "raid1/3");
        assert_eq!(shown((Raid10, 4), (Raid10, 4)), "");
    }

    #[test]
    fn no_way_says_why() {
        use Level::{Raid0, Raid1, Raid5, Raid6, Raid10};
        assert!(shown((Raid10, 4), (Raid5, 4)).starts_with("raid10 becomes raid0 of half its members first"));
        assert!(shown((Raid5, 4), (Raid6, 4)).contains("one member more than the 4"));
        assert!(shown((Raid1, 3), (Raid5, 3)).contains("with two members, and this one has 3"));
        assert!(shown((Raid0, 2), (Raid0, 3)).contains("degraded raid4"));
        assert!(shown((Raid5, 4), (Raid5, 3)).contains("fewer members"));
        assert!(shown((Raid6, 5), (Raid5, 3)).contains("fewer members"));
        assert!(shown((Raid5, 3), (Raid0, 3)).contains("keeps its redundancy"));
        assert!(shown((Raid0, 2), (Raid10, 3)).contains("raid10 n2 of 4"));
    }
}
