// SPDX-License-Identifier: MIT
// What the library would be if it took spdlog's headers as they come. host_spdlog_symbols.py must find it out.
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

extern "C" void crochet_naive_log(const char* path);
extern "C" void crochet_naive_log(const char* path) {
  spdlog::logger("naive", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path)).info("{:>5}", path);
}
