// SPDX-License-Identifier: MIT
//! How many of a caller's calls have run, where nobody waits for each.

use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

const MOST: usize = 65_536;

#[repr(align(64))]
#[derive(Default)]
pub struct Tally {
    ran: AtomicUsize,
    expected: AtomicUsize,
    all_have_run: Mutex<bool>,
    changed: Condvar,
}

impl Tally {
    pub fn expect(&self, calls: usize) {
        self.expected.store(calls, Relaxed);
        self.ran.store(0, Relaxed);
    }
    /// `sent` with those that are sent next: pauses while more than 64k are outstanding, until half of them have run.
    pub fn before_sending(&self, sent: usize) {
        if sent - self.ran.load(Acquire) <= MOST {
            return;
        }
        while sent - self.ran.load(Acquire) > MOST / 2 {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
    pub fn wait_for_all(&self) {
        let mut over = self.all_have_run.lock().unwrap();
        while !*over {
            over = self.changed.wait(over).unwrap();
        }
        *over = false;
    }
    /// The loop's thread.
    pub fn add_one(&self) {
        let ran = self.ran.load(Relaxed) + 1;
        self.ran.store(ran, Release);
        if ran == self.expected.load(Relaxed) {
            *self.all_have_run.lock().unwrap() = true;
            self.changed.notify_one();
        }
    }
}
