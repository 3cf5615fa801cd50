// SPDX-License-Identifier: MIT
// Boost.Asio.
#include <utility>  // which 1.74 forgets

#include <boost/asio.hpp>

namespace net = boost::asio;

#include "asio_peer.hpp"

int main(int count, char** words) { return bench::run_program<bench::AsioPeer>("boost", count, words); }
