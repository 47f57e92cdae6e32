//! The migrations are embedded: build again when one changes.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
