// SPDX-License-Identifier: MIT
//! W5, W8: many calls that nobody has settled: their memory, cancelling them, stopping the loop under them.

use crate::arguments::{pin_to, Arguments};
use crate::looper::Loop;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::oneshot;

const AT_ONCE: usize = 1024;

pub fn resident_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}

/// A oneshot for each: the loop keeps the senders, the caller the receivers.
pub fn measure_memory(the_loop: &Loop, asked: &Arguments) -> Vec<(&'static str, f64)> {
    pin_to(asked.caller_cpu(0));
    let before = resident_bytes();
    let mut results = Vec::with_capacity(asked.operations);
    let held = Arc::new(Mutex::new(Vec::with_capacity(asked.operations)));
    for i in 0..asked.operations {
        let (done, result) = oneshot::channel::<u32>();
        results.push(result);
        let held = held.clone();
        the_loop
            .handle
            .spawn(async move { held.lock().unwrap().push(done) });
        if i % AT_ONCE == AT_ONCE - 1 {
            the_loop.on_loop(|| {});
        }
    }
    the_loop.on_loop(|| {});
    let bytes = resident_bytes() - before;
    assert_eq!(held.lock().unwrap().len(), results.len());
    vec![("bytes", bytes / asked.operations as f64), ("ns", 0.0)]
}

/// Tasks that wait for ever: abort() of each, then their ends are waited for; or the runtime is dropped under them.
pub fn measure_ending(
    mut the_loop: Loop,
    asked: &Arguments,
    stop: bool,
) -> Vec<(&'static str, f64)> {
    pin_to(asked.caller_cpu(0));
    let before = resident_bytes();
    let mut results = Vec::with_capacity(asked.operations);
    for i in 0..asked.operations {
        results.push(the_loop.handle.spawn(std::future::pending::<u32>()));
        if i % AT_ONCE == AT_ONCE - 1 {
            the_loop.on_loop(|| {});
        }
    }
    the_loop.on_loop(|| {});
    let bytes = resident_bytes() - before;
    let begin = Instant::now();
    if stop {
        the_loop.stop();
    } else {
        for result in &results {
            result.abort();
        }
        let waiter = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        waiter.block_on(async {
            for result in results {
                assert!(result.await.unwrap_err().is_cancelled());
            }
        });
    }
    let ns = begin.elapsed().as_nanos() as f64;
    let operations = asked.operations as f64;
    vec![("bytes", bytes / operations), ("ns", ns / operations)]
}
