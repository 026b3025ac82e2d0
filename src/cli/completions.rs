//! `holdfast completions SHELL`: what a shell needs to complete the command line.

use std::io::Write;

use clap_complete::Shell;

/// Arguments of `holdfast completions`.
#[derive(Debug, Clone, clap::Args)]
pub struct Completions {
    /// The shell to complete for; `source <(holdfast completions bash)` tries it out
    #[arg(value_enum)]
    pub shell: For,
}

/// The shells there are completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum For {
    Bash,
    Zsh,
    Fish,
}

/// Writes the completions of `command` to `out`.
pub fn write(shell: For, command: &mut clap::Command, out: &mut dyn Write) -> std::io::Result<()> {
    let shell = match shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
    };
    let name = command.get_name().to_owned();
    // The generator panics when it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, command, name, &mut script);
    out.write_all(&script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_subcommands_in_every_shell() {
        for shell in [For::Bash, For::Zsh, For::Fish] {
            let mut command = clap::Command::new("holdfast").subcommand(clap::Command::new("inventory"));
            let mut script = Vec::new();
            write(shell, &mut command, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("inventory") && script.contains("holdfast"), "{shell:?}: {script}");
        }
    }
}
