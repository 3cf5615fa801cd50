// SPDX-License-Identifier: MIT
//! tokio: Handle::spawn() of a task that answers by a oneshot, blocking_recv() on the caller's thread.

mod arguments;
mod callers;
mod echo;
mod held;
mod looper;
mod tally;

use arguments::Arguments;
use callers::{quantile, run_callers};
use looper::Loop;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tally::Tally;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub const BURST: usize = 1024;

fn call_and_wait(handle: &Handle) -> u32 {
    let (done, result) = oneshot::channel();
    handle.spawn(async move {
        let _ = done.send(1);
    });
    result.blocking_recv().unwrap()
}

fn call_timer_and_wait(handle: &Handle) -> u32 {
    let (done, result) = oneshot::channel();
    handle.spawn(async move {
        tokio::time::sleep(Duration::ZERO).await;
        let _ = done.send(1);
    });
    result.blocking_recv().unwrap()
}

pub fn burst(handle: &Handle, results: &mut Vec<oneshot::Receiver<u32>>) {
    for _ in 0..BURST {
        let (done, result) = oneshot::channel();
        results.push(result);
        handle.spawn(async move {
            let _ = done.send(1);
        });
    }
    let sum: u32 = results
        .drain(..)
        .map(|result| result.blocking_recv().unwrap())
        .sum();
    assert_eq!(sum as usize, BURST);
}

fn measure_round_trips(
    handle: Handle,
    asked: &Arguments,
    one: fn(&Handle) -> u32,
) -> Vec<(&'static str, f64)> {
    let each = asked.operations / asked.callers;
    let samples: Arc<Vec<Mutex<Vec<u32>>>> = Arc::new(
        (0..asked.callers)
            .map(|_| Mutex::new(vec![0; each]))
            .collect(),
    );
    let kept = samples.clone();
    let warm_up = (each / 4).min(20_000 / asked.callers);
    let ns = run_callers(asked, warm_up, each, move |number, operations| {
        let mut mine = samples[number].lock().unwrap();
        let mut before = Instant::now();
        for sample in mine.iter_mut().take(operations) {
            assert_eq!(one(&handle), 1);
            let now = Instant::now();
            *sample = (now - before).as_nanos() as u32;
            before = now;
        }
    });
    let mut figures = vec![("ns", ns / (each * asked.callers) as f64)];
    if asked.callers == 1 {
        let mut mine = kept[0].lock().unwrap();
        mine.sort_unstable();
        figures.extend([
            ("p50", quantile(&mine, 0.5)),
            ("p99", quantile(&mine, 0.99)),
            ("p999", quantile(&mine, 0.999)),
        ]);
    }
    figures
}

fn measure_bursts(handle: Handle, asked: &Arguments) -> Vec<(&'static str, f64)> {
    let each = (asked.operations / asked.callers / BURST).max(1);
    let ns = run_callers(asked, each.min(32), each, move |_, bursts| {
        let mut results = Vec::with_capacity(BURST);
        for _ in 0..bursts {
            burst(&handle, &mut results);
        }
    });
    vec![("ns", ns / (each * BURST * asked.callers) as f64)]
}

fn measure_fires(handle: Handle, asked: &Arguments) -> Vec<(&'static str, f64)> {
    const BETWEEN_LOOKS: usize = 256;
    let each = (asked.operations / asked.callers / BETWEEN_LOOKS).max(1);
    // Static, as a reference that a task may carry.
    let tallies: &'static [Tally] =
        Box::leak((0..asked.callers).map(|_| Tally::default()).collect());
    let ns = run_callers(asked, each.min(512), each, move |number, rounds| {
        let tally = &tallies[number];
        tally.expect(rounds * BETWEEN_LOOKS);
        for round in 1..=rounds {
            tally.before_sending(round * BETWEEN_LOOKS);
            for _ in 0..BETWEEN_LOOKS {
                handle.spawn(async move { tally.add_one() });
            }
        }
        tally.wait_for_all();
    });
    vec![("ns", ns / (each * BETWEEN_LOOKS * asked.callers) as f64)]
}

fn main() {
    let asked = Arguments::read();
    let the_loop = Loop::start(&asked);
    let handle = the_loop.handle.clone();
    let figures = match asked.workload.as_str() {
        "w1" | "w6" => measure_round_trips(handle, &asked, call_and_wait),
        "w2" => measure_bursts(handle, &asked),
        "w3" => measure_fires(handle, &asked),
        "w4" => measure_round_trips(handle, &asked, call_timer_and_wait),
        "w5" => held::measure_memory(&the_loop, &asked),
        "w8cancel" => held::measure_ending(the_loop, &asked, false),
        "w8stop" => held::measure_ending(the_loop, &asked, true),
        "w9" => echo::measure(&the_loop, &asked, false),
        "w9alone" => echo::measure(&the_loop, &asked, true),
        _ => {
            eprintln!("tokio leaves out {}", asked.workload);
            std::process::exit(3)
        }
    };
    asked.print(&figures);
}
