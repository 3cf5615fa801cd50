// SPDX-License-Identifier: MIT
// What else goes on in a process while calls are made: each of these is one round of a worker.
#pragma once

#include <string>

#include "soak/accounts.hpp"
#include "soak/crew.hpp"

namespace soak {

void restart(Accounts& accounts, DefaultLoops& loops, Random& random);  // shutdown and setup, under everybody's feet
void fork_child(Accounts& accounts, Random& random);
void unload_in_child(Accounts& accounts,
                     const std::string& program);   // loads and unloads the library, in a process of its own
void adopt(Accounts& accounts, Random& random);     // a host's own loop, run and released
void complete(Accounts& accounts, Random& random);  // results of deferreds, through a completion queue
void recur(Accounts& accounts, Random& random);     // crochet_every(), and its end
void operate(Accounts& accounts, Random& random);   // child processes and look-ups
void log_lines(Accounts& accounts, Random& random);

}  // namespace soak
