//! Flags that say which hosts and how to reach them, the same for every subcommand that has hosts.

use std::path::PathBuf;

/// Which hosts, and how to reach them. Named as in ansible-playbook.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Targets {
    /// Inventory: a file, a folder, or a list of hosts with a comma (`-i 'nas1,nas2,'`)
    #[arg(short = 'i', long = "inventory", value_name = "PATH")]
    pub inventory: Vec<String>,
    /// Only these hosts of the inventory: a pattern, or `@FILE`
    #[arg(short = 'l', long, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// More variables, over all others: `name=value`, YAML or JSON, or `@FILE`
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// How many hosts to work on at once [default: all, up to 256]
    #[arg(short = 'f', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub forks: Option<u16>,
    /// Connect as this user
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub user: Option<String>,
    /// Authenticate with this key
    #[arg(long, visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// More options for ssh, as one would type them
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// Seconds to wait for a connection
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// `ssh` or `local`
    #[arg(short = 'c', long, value_name = "KIND")]
    pub connection: Option<String>,
    /// Act as root (or --become-user) through sudo
    #[arg(short = 'b', long = "become")]
    pub elevate: bool,
    /// The user to act as
    #[arg(long, value_name = "USER")]
    pub become_user: Option<String>,
    /// Ask for sudo's password
    #[arg(short = 'K', long)]
    pub ask_become_pass: bool,
    /// Read sudo's password from the first line of this file
    #[arg(long, value_name = "FILE", conflicts_with = "ask_become_pass")]
    pub become_password_file: Option<PathBuf>,
}
