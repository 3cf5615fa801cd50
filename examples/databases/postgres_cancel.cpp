// SPDX-License-Identifier: MIT
// A query whose time is over is stopped in the server, and its connection is good for the next one.
//
//   postgres_cancel WHERE               shows it; exit code 0 only if the server really stopped
//   postgres_cancel WHERE SQL SECONDS   the rows of a query, which gets that long
#include "postgres.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "../must.h"

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 60s;

std::string value(const postgres& db, const std::string& sql) { return db.query(sql, kPatience).at(0).at(0); }

// Until the server says that this process of its own has nothing to do.
void wait_idle(const postgres& other, const std::string& pid) {
  while (value(other, "SELECT state FROM pg_stat_activity WHERE pid = " + pid) != "idle") continue;
}

// [time out]
void show_time_out(const postgres& db, const postgres& other) {
  const std::string pid = value(db, "SELECT pg_backend_pid()");
  try {
    db.query("SELECT pg_sleep(100000)", 100ms);
    MUST(false);
  } catch (const crochet::timeout_error& e) {
    std::cout << "given up: " << e.what() << std::endl;
  }
  wait_idle(other, pid);
  std::cout << "the server has stopped it" << std::endl;
  MUST(value(db, "SELECT pg_backend_pid()") == pid);  // the same connection
  MUST(value(db, "SELECT 6 * 7") == "42");            // which no late cancel hits
}
// [end time out]

// However little of it has been done: also one that is cancelled before it has begun.
void show_haste(const postgres& db) {
  for (int i = 0; i < 100; ++i) try {
      db.query("SELECT pg_sleep(100000)", i * 20us);
      MUST(false);
    } catch (const crochet::timeout_error&) {
    }
  MUST(value(db, "SELECT 6 * 7") == "42");
}

// One that has not had its turn is not even sent; when the connection is lost, whoever waits is told.
void show_loss(const postgres& db, const postgres& other) {
  const std::string pid = value(db, "SELECT pg_backend_pid()");
  std::thread first([&] {
    try {
      db.query("SELECT pg_sleep(100000)", kPatience);
      MUST(false);
    } catch (const postgres_error& e) {
      std::cout << e.what() << std::flush;
    }
  });
  while (value(other, "SELECT state FROM pg_stat_activity WHERE pid = " + pid) != "active") continue;
  try {
    db.query("SELECT 1", 10ms);
    MUST(false);
  } catch (const crochet::timeout_error&) {
  }
  other.query("SELECT pg_terminate_backend(" + pid + ")", kPatience);  // the connection is lost
  first.join();
  MUST(value(db, "SELECT pg_backend_pid()") != pid);  // and there is a new one
}

void print(const postgres_rows& rows) {
  for (const auto& row : rows) {
    for (const auto& field : row) std::cout << field << '\t';
    std::cout << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  MUST(argc == 2 || argc == 4);
  int status = EXIT_SUCCESS;
  crochet::setup();
  try {
    const postgres db(argv[1]), other(argv[1]);
    if (argc == 4) print(db.query(argv[2], std::chrono::duration<double>(std::stod(argv[3]))));
    else show_time_out(db, other), show_haste(db), show_loss(db, other);
  } catch (const std::runtime_error& e) {
    std::cerr << e.what() << std::endl;
    status = EXIT_FAILURE;
  }
  MUST(crochet::shutdown(10s) == crochet::stop_outcome::ended);  // a cancel that is under way gets there
  return status;
}
