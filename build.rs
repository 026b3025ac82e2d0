//! A file that is new in an embedded folder is a reason to build again; the compiler itself only sees changed ones.

fn main() {
    // A folder that is not there would count as changed every time.
    for folder in ["build.rs", "playbooks", "roles", "inventories"] {
        if std::path::Path::new(folder).exists() {
            println!("cargo::rerun-if-changed={folder}");
        }
    }
}
