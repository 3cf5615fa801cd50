// SPDX-License-Identifier: MIT
// Scenarios: look-ups and child processes.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include "faults/scenarios/scenario.hpp"

namespace faults {
namespace {

void free_command(crochet_command* command) { CALL(crochet_command_free, command); }
using Command = Handle<crochet_command, free_command>;

// Its value, when there is one.
template <class T>
const T* value_of(const Result& result) {
  settle(result);
  if (!result || CALL(crochet_result_status, result.get()) != CROCHET_OK) return nullptr;
  return static_cast<const T*>(CALL(crochet_result_value, result.get()));
}

void addresses(const Armed& armed) {
  set_up();
  armed.begin();
  Result result;
  CALL(crochet_getaddrinfo, nullptr, "127.0.0.1", "80", 0, 0, 0, AI_NUMERICHOST | AI_CANONNAME, result.out());
  if (const auto* found = value_of<crochet_addresses>(result)) {
    MUST(CALL(crochet_addresses_count, found) != 0);
    CALL(crochet_addresses_text, found, std::size_t{0});
    CALL(crochet_addresses_port, found, std::size_t{0});
    CALL(crochet_addresses_family, found, std::size_t{0});
    CALL(crochet_addresses_socktype, found, std::size_t{0});
    CALL(crochet_addresses_protocol, found, std::size_t{0});
    CALL(crochet_addresses_sockaddr, found, std::size_t{0}, static_cast<std::size_t*>(nullptr));
    CALL(crochet_addresses_canonical_name, found);
  }
  Result cancelled;
  CALL(crochet_getaddrinfo, nullptr, "127.0.0.1", nullptr, 0, 0, 0, AI_NUMERICHOST, cancelled.out());
  if (cancelled) CALL(crochet_result_cancel, cancelled.get(), nullptr);
  cancelled.reset();
  armed.end();
  shut_down();
}

void names(const Armed& armed) {
  set_up();
  armed.begin();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Result result;
  CALL(crochet_getnameinfo, nullptr, static_cast<const void*>(&address), sizeof address, NI_NUMERICHOST, result.out());
  if (const auto* found = value_of<crochet_name_info>(result)) {
    CALL(crochet_name_info_host, found);
    CALL(crochet_name_info_service, found);
  }
  Result other;
  CALL(crochet_getnameinfo_text, nullptr, "::1", 80, NI_NUMERICHOST | NI_NUMERICSERV, other.out());
  settle(other);
  Result scoped;
  CALL(crochet_getnameinfo_text, nullptr, "fe80::1%lo", 80, NI_NUMERICHOST | NI_NUMERICSERV, scoped.out());
  settle(scoped);
  armed.end();
  shut_down();
}

void run_command(const Command& command) {
  Result result;
  CALL(crochet_command_run, command.get(), nullptr, result.out());
  if (const auto* ended = value_of<crochet_process_exit>(result)) {
    CALL(crochet_process_exit_status, ended);
    CALL(crochet_process_exit_signal, ended);
    CALL(crochet_process_exit_pid, ended);
    CALL(crochet_process_exit_stdout, ended, static_cast<std::size_t*>(nullptr));
    CALL(crochet_process_exit_stderr, ended, static_cast<std::size_t*>(nullptr));
    CALL(crochet_process_exit_stdout_truncated, ended);
    CALL(crochet_process_exit_stderr_truncated, ended);
  }
}

void commands(const Armed& armed) {
  set_up();
  armed.begin();
  {
    Command command;
    if (CALL(crochet_command_new, "cat", command.out()) == CROCHET_OK) {
      const char* const arguments[] = {"-u", nullptr};
      const char* const environment[] = {"A=1", "LD_PRELOAD=", nullptr};
      CALL(crochet_command_set_arguments, command.get(), static_cast<const char* const*>(arguments));
      CALL(crochet_command_add_argument, command.get(), "-");
      CALL(crochet_command_set_environment, command.get(), static_cast<const char* const*>(environment));
      CALL(crochet_command_set_directory, command.get(), "/");
      CALL(crochet_command_set_input, command.get(), static_cast<const void*>("bytes"), std::size_t{5});
      CALL(crochet_command_set_output_limit, command.get(), std::size_t{1'000'000});
      CALL(crochet_command_set_linger, command.get(), CROCHET_SECOND);
      run_command(command);
    }
  }
  armed.end();
  shut_down();
}

void cancelled_command(const Armed& armed) {
  set_up();
  armed.begin();
  {
    Command command;
    Result result;
    if (CALL(crochet_command_new, "sleep", command.out()) == CROCHET_OK &&
        CALL(crochet_command_add_argument, command.get(), "5") == CROCHET_OK) {
      CALL(crochet_command_set_kill_after, command.get(), CROCHET_MILLISECOND);
      CALL(crochet_command_run, command.get(), nullptr, result.out());
      if (result) CALL(crochet_result_cancel, result.get(), nullptr);
    }
    settle(result);
  }
  armed.end();
  shut_down();
}

}  // namespace

const Scenario kOperations[] = {
    {"addresses", addresses}, {"names", names}, {"commands", commands}, {"cancelled_command", cancelled_command},
    {nullptr, nullptr},
};

}  // namespace faults
