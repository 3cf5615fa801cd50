// SPDX-License-Identifier: MIT
//! Threads that call: each on its CPU, warmed up, started together behind a barrier; each reads the clock itself.

use crate::arguments::{pin_to, Arguments};
use std::sync::{Arc, Barrier};
use std::time::Instant;

/// Calls work(number, warm_up), then work(number, operations), in each thread. The nanoseconds from the first beginning
/// to the last end.
pub fn run_callers<W>(asked: &Arguments, warm_up: usize, operations: usize, work: W) -> f64
where
    W: Fn(usize, usize) + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let all_are_there = Arc::new(Barrier::new(asked.callers));
    let threads: Vec<_> = (0..asked.callers)
        .map(|number| {
            let (work, all_are_there, cpu) = (
                work.clone(),
                all_are_there.clone(),
                asked.caller_cpu(number),
            );
            std::thread::spawn(move || {
                pin_to(cpu);
                work(number, warm_up);
                all_are_there.wait();
                let begin = Instant::now();
                work(number, operations);
                let end = Instant::now();
                all_are_there.wait();
                (begin, end)
            })
        })
        .collect();
    let spans: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let first = spans.iter().map(|span| span.0).min().unwrap();
    let last = spans.iter().map(|span| span.1).max().unwrap();
    (last - first).as_nanos() as f64
}

/// The duration that this part of all did not exceed; the samples are sorted.
pub fn quantile(sorted: &[u32], part: f64) -> f64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    f64::from(sorted[rank.saturating_sub(1)])
}
