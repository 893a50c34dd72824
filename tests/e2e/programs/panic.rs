// SPDX-License-Identifier: Apache-2.0
// A Rust panic unwinds through traced frames and is caught; half of the calls return.
use std::io::Write;

// The compiler must not see through it; the library's own is newer than Debian 12's.
fn black_box(x: u64) -> u64 {
    unsafe { std::ptr::read_volatile(&x) }
}

#[no_mangle]
#[inline(never)]
pub extern "Rust" fn rs_leaf(x: u64) -> u64 {
    black_box(x) + 1
}

#[no_mangle]
#[inline(never)]
pub extern "Rust" fn rs_inner(x: u64) -> u64 {
    if black_box(x) & 1 == 1 {
        panic!("odd {}", x);
    }
    let r = rs_leaf(x);
    black_box(r) + 1
}

#[no_mangle]
#[inline(never)]
pub extern "Rust" fn rs_outer(x: u64) -> u64 {
    let r = rs_inner(black_box(x));
    black_box(r) + 1
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    println!("ready {}", std::process::id());
    std::io::stdout().flush().unwrap();
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let mut caught = 0;
    let mut total = 0;
    for i in 0..1000u64 {
        match std::panic::catch_unwind(|| rs_outer(i)) {
            Ok(v) => total += v,
            Err(_) => {
                caught += 1;
                total += rs_leaf(7);
            }
        }
    }
    println!("caught {} total {}", caught, total);
}
