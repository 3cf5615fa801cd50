// SPDX-License-Identifier: MIT
//! W9: ping-pong with an echo on the loop, alone or beside a producer with bursts of calls.

use crate::arguments::{pin_to, Arguments};
use crate::callers::quantile;
use crate::looper::Loop;
use crate::{burst, BURST};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::Interest;

fn ping_pong(socket: &mut UnixStream, times: usize) -> Vec<u32> {
    let mut text = [0u8; 64];
    let mut samples = Vec::with_capacity(times);
    for _ in 0..times {
        let before = Instant::now();
        socket.write_all(&text).unwrap();
        socket.read_exact(&mut text).unwrap();
        samples.push(before.elapsed().as_nanos() as u32);
    }
    samples
}

async fn echo(socket: UnixStream) {
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UnixStream::from_std(socket).unwrap();
    let mut text = [0u8; 4096];
    loop {
        socket.ready(Interest::READABLE).await.unwrap();
        match socket.try_read(&mut text) {
            Ok(0) => return,
            Ok(length) => assert_eq!(socket.try_write(&text[..length]).unwrap(), length),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

pub fn measure(the_loop: &Loop, asked: &Arguments, alone: bool) -> Vec<(&'static str, f64)> {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    the_loop.handle.spawn(echo(theirs));
    let is_over = Arc::new(AtomicBool::new(false));
    let bursts = Arc::new(AtomicUsize::new(0));
    let producer = (!alone).then(|| {
        let (is_over, bursts, handle, cpu) = (
            is_over.clone(),
            bursts.clone(),
            the_loop.handle.clone(),
            asked.cpus[0],
        );
        std::thread::spawn(move || {
            pin_to(cpu);
            let mut results = Vec::with_capacity(BURST);
            while !is_over.load(Relaxed) {
                burst(&handle, &mut results);
                bursts.fetch_add(1, Relaxed);
            }
        })
    });
    while !alone && bursts.load(Relaxed) < 32 {
        std::thread::yield_now();
    }
    let cpu = if asked.same {
        asked.loop_cpu()
    } else {
        asked.cpus[0]
    };
    let operations = asked.operations;
    let seen = bursts.clone();
    let client = std::thread::spawn(move || {
        pin_to(cpu);
        ping_pong(&mut ours, operations.min(1000));
        let before = seen.load(Relaxed);
        let begin = Instant::now();
        let samples = ping_pong(&mut ours, operations);
        let ns = begin.elapsed().as_nanos() as f64;
        (samples, ns, ((seen.load(Relaxed) - before) * BURST) as f64)
    });
    let (mut samples, ns, calls) = client.join().unwrap();
    is_over.store(true, Relaxed);
    if let Some(producer) = producer {
        producer.join().unwrap();
    }
    samples.sort_unstable();
    vec![
        ("ns", ns / operations as f64),
        ("calls_per_second", calls / ns * 1e9),
        ("p50", quantile(&samples, 0.5)),
        ("p99", quantile(&samples, 0.99)),
        ("p999", quantile(&samples, 0.999)),
    ]
}
