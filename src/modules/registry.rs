//! The list of modules, by all their names.

use std::sync::LazyLock;

use serde_json::Value;

use super::{BadArgument, Describe, Module, coerce, decode_args};
use crate::value::Map;

/// A module as the playbook and the documentation know it.
#[derive(Debug)]
pub struct Entry {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub free_form: Option<&'static str>,
    pub example: &'static str,
    argument_aliases: &'static [(&'static str, &'static str)],
    /// Made when it is first asked for: an agent decodes few modules, and all schemas take longer than its greeting.
    schema: LazyLock<Value>,
    decode: Decode,
}

type Decode = fn(Map<String, Value>) -> Result<Box<dyn Module>, BadArgument>;

impl Entry {
    pub(crate) fn of<M: Describe>() -> Self {
        Self {
            name: M::NAME,
            aliases: M::ALIASES,
            free_form: M::FREE_FORM,
            example: M::EXAMPLE,
            argument_aliases: M::ARGUMENT_ALIASES,
            schema: LazyLock::new(schema::<M>),
            decode: |args| Ok(Box::new(decode_args::<M>(args)?)),
        }
    }

    /// The JSON schema of its arguments.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The schema of one argument, by its own name.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.schema.get("properties")?.get(name)
    }

    /// The argument's own name, where `written` is another name of it.
    pub fn own_name<'a>(&self, written: &'a str) -> &'a str {
        self.argument_aliases.iter().find(|(other, _)| *other == written).map_or(written, |(_, own)| own)
    }

    /// All names an argument may be written by.
    pub fn argument_names(&self) -> impl Iterator<Item = &str> {
        let own = self.schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
        own.map(String::as_str).chain(self.argument_aliases.iter().map(|(other, _)| *other))
    }

    /// Other names of an argument.
    pub fn argument_aliases(&self, name: &str) -> impl Iterator<Item = &'static str> {
        self.argument_aliases.iter().filter(move |(_, own)| *own == name).map(|(other, _)| *other)
    }

    /// Arguments without which it cannot be decoded.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether an argument, by whatever name, is one that nobody may read.
    pub fn is_secret(&self, written: &str) -> bool {
        let schema = self.property(self.own_name(written));
        schema.and_then(|schema| schema.get("writeOnly")) == Some(&Value::Bool(true))
    }

    /// The texts among these arguments that nobody may read, however deep.
    pub fn secrets(&self, args: &Map<String, Value>) -> impl Iterator<Item = String> {
        let mut found = Vec::new();
        for (name, value) in args {
            if let Some(schema) = self.property(self.own_name(name)) {
                secrets_in(value, schema, &mut found);
            }
        }
        found.into_iter()
    }

    /// Coerces and decodes arguments.
    pub fn decode(&self, args: &Map<String, Value>) -> Result<Box<dyn Module>, Vec<BadArgument>> {
        let args = coerce(self, args)?;
        (self.decode)(args).map_err(|bad| vec![bad])
    }
}

/// The texts in a value that its schema says nobody may read.
fn secrets_in(value: &Value, schema: &Value, found: &mut Vec<String>) {
    let hidden = schema.get("writeOnly") == Some(&Value::Bool(true));
    match value {
        Value::String(text) if hidden => found.push(text.clone()),
        Value::Number(number) if hidden => found.push(number.to_string()),
        Value::Array(items) => {
            let each = schema.get("items").into_iter();
            each.for_each(|each| items.iter().for_each(|item| secrets_in(item, each, found)));
        }
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(schema) = schema.get("properties").and_then(|all| all.get(name)) {
                    secrets_in(value, schema, found);
                }
            }
        }
        _ => {}
    }
    let options = schema.get("anyOf").and_then(Value::as_array);
    options.into_iter().flatten().for_each(|option| secrets_in(value, option, found));
}

fn schema<M: Describe>() -> Value {
    // References are followed in place, so that a reader of the schema never has to.
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|with| with.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<M>().to_value()
}

/// The modules, in the order of the list in this file.
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// The module of that name, alias or `ansible.builtin.` name.
pub fn find(name: &str) -> Option<&'static Entry> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    let own = short.strip_prefix("holdfast.").unwrap_or(short);
    ENTRIES
        .iter()
        .find(|entry| entry.name == own || entry.aliases.contains(&own) || entry.aliases.contains(&name))
}

macro_rules! modules {
    ($($file:ident :: $module:ident),* $(,)?) => {
        static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| vec![$(Entry::of::<super::$file::$module>()),*]);
    };
}

// One a line: the order is that of `holdfast doc`.
modules![
    // files and commands
    command::Command,
    copy::Copy,
    file::File,
    lineinfile::Lineinfile,
    shell::Shell,
    stat::Stat,
    template::Template,
    wait_for::WaitFor,
    setup::Setup,
    reboot::Reboot,
    // packages and services
    package::Package,
    apt::Apt,
    service::Service,
    systemd::Systemd,
    // storage
    disk::Disk,
    partition::Partition,
    md_array::MdArray,
    md_monitor::MdMonitor,
    luks::Luks,
    lvg::Lvg,
    lvol::Lvol,
    lvm_filter::LvmFilter,
    filesystem::Filesystem,
    btrfs::Btrfs,
    btrfs_subvolume::BtrfsSubvolume,
    btrfs_balance::BtrfsBalance,
    scrub::Scrub,
    xfs_quota::XfsQuota,
    zpool::Zpool,
    zfs::ZfsDataset,
    mount::Mount,
    swap::Swap,
    nfs_export::NfsExport,
    sysctl::Sysctl,
    teardown::Teardown,
    storage::Storage,
    storage_graph::StorageGraph,
];
