//! One named thing before and after.

use serde::{Deserialize, Serialize};

/// `+ ~ -` of one named thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub op: Op,
    /// The kind of thing, in the field's words: `array`, `volume group`, `file system`, `file`.
    pub kind: String,
    /// Its name: `/dev/md/kvm`, `vg_kvm/images`, `/etc/fstab`.
    pub name: String,
    /// What it is or becomes, in one line: `raid10 of 4, 4.0 GiB`. May be empty.
    pub detail: String,
    /// Single properties that change.
    pub attributes: Vec<Attribute>,
    /// Text before and after, where the thing is a file whose content changes; shown as a unified diff.
    pub text: Option<(String, String)>,
    pub risk: Risk,
    /// For a destructive change: the token that consents to it, such as `format:HF-DISK-1`.
    pub token: Option<String>,
    /// For a destructive change: what is lost, naming serial, label and used size.
    pub loss: Option<String>,
}

/// What happens to the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// `+`
    Create,
    /// `~`
    Modify,
    /// `-`
    Destroy,
    /// `!` a command that runs every time it is asked for.
    Run,
    /// Only waits or looks; changes nothing and is never counted as a change.
    Await,
}

impl Op {
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Modify => '~',
            Self::Destroy => '-',
            Self::Run => '!',
            Self::Await => '.',
        }
    }
}

/// One property that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What a change can cost, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Risk {
    /// Can be taken back without loss.
    Reversible,
    /// Interrupts somebody (an unmount, a restart) but loses nothing.
    Disruptive,
    /// Bytes are gone afterwards.
    Destructive,
}

impl Change {
    fn new(op: Op, kind: &str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            op,
            kind: kind.to_owned(),
            name: name.into(),
            detail: detail.into(),
            attributes: Vec::new(),
            text: None,
            risk: Risk::Reversible,
            token: None,
            loss: None,
        }
    }

    /// Something comes into being.
    pub fn create(kind: &str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Op::Create, kind, name, detail)
    }

    /// Something that is there becomes different.
    pub fn modify(kind: &str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Op::Modify, kind, name, detail)
    }

    /// Something that holds nobody's bytes goes away (a symbolic link, an fstab line).
    pub fn remove(kind: &str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Op::Destroy, kind, name, detail)
    }

    /// Something with content goes away: `token` consents to it, `loss` says what is lost.
    pub fn destroy(
        kind: &str,
        name: impl Into<String>,
        token: impl Into<String>,
        loss: impl Into<String>,
    ) -> Self {
        Self {
            risk: Risk::Destructive,
            token: Some(token.into()),
            loss: Some(loss.into()),
            ..Self::new(Op::Destroy, kind, name, "")
        }
    }

    /// A command that runs every time.
    pub fn run(kind: &str, name: impl Into<String>) -> Self {
        Self::new(Op::Run, kind, name, "")
    }

    /// Waiting or looking, which changes nothing.
    pub fn wait(kind: &str, name: impl Into<String>) -> Self {
        Self::new(Op::Await, kind, name, "")
    }

    #[must_use]
    pub fn attribute(mut self, name: &str, before: Option<String>, after: Option<String>) -> Self {
        self.attributes.push(Attribute { name: name.to_owned(), before, after });
        self
    }

    #[must_use]
    pub fn text(mut self, before: impl Into<String>, after: impl Into<String>) -> Self {
        self.text = Some((before.into(), after.into()));
        self
    }

    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.risk = risk;
        self
    }
}
