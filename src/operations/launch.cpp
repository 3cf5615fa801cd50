// SPDX-License-Identifier: MIT
// The input is a file in memory: nobody has to write while the child reads, so that there is no pipe that fills up or
// breaks.
#include "operations/launch.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstdlib>
#include <new>

namespace crochet {
namespace {

// A file of the child's own, to be read from its beginning.
int make_input(const std::string& bytes, Descriptor* out_input) {
  // Beyond the limit a write would raise SIGXFSZ in the host.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes.size() > limit.rlim_cur) return UV_EFBIG;
  Descriptor input(memfd_create("crochet-input", MFD_CLOEXEC));
  if (!input) return uv_translate_sys_error(errno);
  for (std::size_t written = 0; written < bytes.size();) {
    const ssize_t count =
        pwrite(input.get(), bytes.data() + written, bytes.size() - written, static_cast<off_t>(written));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? uv_translate_sys_error(errno) : UV_ENOSPC;
    written += static_cast<std::size_t>(count);
  }
  *out_input = std::move(input);
  return CROCHET_OK;
}

void add_pointers(std::vector<std::string>& strings, std::vector<char*>* out_pointers) {
  for (std::string& string : strings) out_pointers->push_back(string.data());
  out_pointers->push_back(nullptr);
}

// The host's, as it is now. Its setenv() may free what the loop's thread would read later.
std::vector<std::string> host_environment() {
  std::vector<std::string> copied;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) copied.emplace_back(*at);
  return copied;
}

// As execvp() looks for it, and without a PATH in the system's usual places.
std::vector<std::string> places_of(const std::string& file) {
  if (file.empty() || file.find('/') != std::string::npos) return {file};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): it is, while nobody changes the environment, which is the host's to see to
  const char* const set = std::getenv("PATH");
  const std::string path = set != nullptr ? set : "/bin:/usr/bin";
  std::vector<std::string> places;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = path.find(':', begin);
    const std::string directory = path.substr(begin, end == std::string::npos ? end : end - begin);
    // NOLINTNEXTLINE(performance-inefficient-string-concatenation): once for each place of a command
    places.push_back(directory.empty() ? "./" + file : directory + "/" + file);
  }
  return places;
}

crochet_command without_input(const crochet_command& command) {
  return {command.file, command.arguments,    command.environment,   command.directory,
          std::nullopt, command.output_limit, command.kill_after_ns, command.linger_ns};
}

}  // namespace

int Launch::of(const crochet_command& command, std::unique_ptr<Launch>* out_launch) try {
  auto launch = std::unique_ptr<Launch>(new Launch{without_input(command), {}, {}, {}, places_of(command.file)});
  launch->arguments.push_back(launch->command.file.data());
  add_pointers(launch->command.arguments, &launch->arguments);
  if (!launch->command.environment) launch->command.environment = host_environment();
  add_pointers(*launch->command.environment, &launch->environment);
  const int status = command.input ? make_input(*command.input, &launch->input) : CROCHET_OK;
  if (status == CROCHET_OK) *out_launch = std::move(launch);
  return status;
} catch (const std::bad_alloc&) {
  return CROCHET_ENOMEM;
}

}  // namespace crochet
