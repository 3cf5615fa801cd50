// SPDX-License-Identifier: MIT
// Asio without Boost.
#include <asio.hpp>

namespace net = asio;

#include "asio_peer.hpp"

int main(int count, char** words) { return bench::run_program<bench::AsioPeer>("asio", count, words); }
