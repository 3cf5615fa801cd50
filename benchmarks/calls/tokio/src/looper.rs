// SPDX-License-Identifier: MIT
//! A tokio runtime of one thread, in a thread of its own, that waits for a descriptor as any program with I/O does.

use crate::arguments::{pin_to, Arguments};
use std::thread::JoinHandle;
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub struct Loop {
    pub handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loop {
    pub fn start(asked: &Arguments) -> Loop {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let cpu = asked.loop_cpu();
        let thread = std::thread::spawn(move || {
            pin_to(cpu);
            runtime.block_on(async {
                let (watched, _other) = UnixStream::pair().unwrap();
                tokio::spawn(async move {
                    let _ = watched.readable().await;
                });
                let _ = ended.await;
            });
        });
        let started = Loop {
            handle,
            end: Some(end),
            thread: Some(thread),
        };
        started.on_loop(|| {});
        started
    }

    /// Runs it there, and waits.
    pub fn on_loop(&self, function: impl FnOnce() + Send + 'static) {
        let (done, result) = oneshot::channel();
        self.handle.spawn(async move {
            function();
            let _ = done.send(());
        });
        result.blocking_recv().unwrap();
    }

    pub fn stop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
            self.thread.take().unwrap().join().unwrap();
        }
    }
}
