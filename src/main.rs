//! One call into the library.

fn main() -> std::process::ExitCode {
    holdfast::cli::main()
}
