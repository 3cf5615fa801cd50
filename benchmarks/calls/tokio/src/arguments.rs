// SPDX-License-Identifier: MIT
//! What the program is asked to measure: the same command line as every peer's.

pub struct Arguments {
    pub workload: String,
    pub same: bool,
    pub operations: usize,
    pub callers: usize,
    pub cpus: Vec<usize>,
}

impl Arguments {
    pub fn read() -> Arguments {
        let mut read = Arguments {
            workload: "w1".into(),
            same: true,
            operations: 100_000,
            callers: 1,
            cpus: vec![0, 1],
        };
        let words: Vec<String> = std::env::args().skip(1).collect();
        for pair in words.chunks(2) {
            let [name, value] = pair else { refuse() };
            match name.as_str() {
                "--workload" => read.workload = value.clone(),
                "--placement" => read.same = value == "same",
                "--operations" => read.operations = number(value),
                "--producers" => read.callers = number(value),
                "--cpus" => read.cpus = value.split(',').map(number).collect(),
                _ => refuse(),
            }
        }
        read
    }

    /// Beside the echo of w9 the loop is never on the producer's.
    pub fn loop_cpu(&self) -> usize {
        if self.same && !self.workload.starts_with("w9") || self.cpus.len() < 2 {
            self.cpus[0]
        } else {
            self.cpus[1]
        }
    }

    pub fn caller_cpu(&self, caller: usize) -> usize {
        if self.same {
            self.cpus[0]
        } else {
            self.cpus[caller % self.cpus.len()]
        }
    }

    pub fn print(&self, figures: &[(&str, f64)]) {
        let placement = if self.same { "same" } else { "cross" };
        print!(
            "{{\"peer\": \"tokio\", \"variant\": \"\", \"workload\": \"{}\", \"placement\": \"{placement}\", \"producers\": {}, \
             \"operations\": {}",
            self.workload, self.callers, self.operations
        );
        for (name, value) in figures {
            print!(", \"{name}\": {value:.3}");
        }
        println!("}}");
    }
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or_else(|_| refuse())
}

fn refuse() -> ! {
    eprintln!(
        "--workload NAME [--placement same|cross] [--operations N] [--producers P] [--cpus 0,1]"
    );
    std::process::exit(2)
}

/// The calling thread.
pub fn pin_to(cpu: usize) {
    // SAFETY: a set of CPUs is plain memory, and the call reads only that.
    unsafe {
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut one);
        assert_eq!(
            libc::sched_setaffinity(0, std::mem::size_of_val(&one), &one),
            0
        );
    }
}
