// SPDX-License-Identifier: MIT
// Serves one page on the loopback interface, requests by threads, until Ctrl-C or SIGTERM. Prints the address when it
// is ready.
#pragma once

#include <httplib.h>

#include <csignal>
#include <iostream>
#include <thread>
#include <utility>

// Port 0: any that is free. False: the port can't be had.
inline bool serve(int port, httplib::Server::Handler page) {
  sigset_t ends;  // closed to each thread that is made from here on: this one waits for them
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  httplib::Server web;
  web.set_keep_alive_timeout(1);  // in seconds: how long idle connections hold the end up
  web.Get("/", std::move(page));
  if (port == 0) port = web.bind_to_any_port("127.0.0.1");
  else if (!web.bind_to_port("127.0.0.1", port)) port = -1;
  if (port < 0) return false;

  std::thread serving([&web] { web.listen_after_bind(); });
  while (!web.is_running()) std::this_thread::yield();  // stop() would do nothing before
  std::cout << "http://127.0.0.1:" << port << '/' << std::endl;
  int signal = 0;
  sigwait(&ends, &signal);
  web.stop();
  serving.join();
  return true;
}
