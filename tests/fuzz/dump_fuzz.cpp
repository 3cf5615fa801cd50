// SPDX-License-Identifier: MIT
// Fuzz target: labels and names of any bytes in a listing, which must be JSON all the same, and lines for people.
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crochet.h"
#include "fuzz/support/bytes.hpp"
#include "fuzz/support/story.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using fuzz::found;
using fuzz::tell;

int append(void* text, const char* more, std::size_t length) {
  static_cast<std::string*>(text)->append(more, length);
  return 0;
}

void never(crochet_deferred*, void*) {}

bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

void check_json(const std::string& listed, const std::deque<std::string>& labels, const std::string& loop_name) {
  nlohmann::json parsed;
  try {
    parsed = nlohmann::json::parse(listed);
  } catch (const nlohmann::json::exception& e) {
    found("no JSON: %s: %s", e.what(), listed.c_str());
  }
  std::size_t lines = 0;
  for (const char byte : listed) lines += byte == '\n' ? 1U : 0U;
  const std::size_t entries = parsed["loops"].size() + parsed["calls"].size();
  if (lines != entries + 2) found("%zu lines for %zu entries: %s", lines, entries, listed.c_str());
  if (parsed["totals"]["all"] != labels.size()) found("the totals are wrong: %s", listed.c_str());
  std::vector<std::string> told;
  for (const auto& call : parsed["calls"]) told.push_back(call["label"]);
  for (const std::string& label : labels) {
    if (!is_utf8(label)) continue;
    if (std::find(told.begin(), told.end(), label) == told.end()) found("a label was lost: %s", listed.c_str());
  }
  const std::string name = loop_name.substr(0, 15);
  if (is_utf8(name) && parsed["loops"][0]["name"] != name) found("the loop's name was lost: %s", listed.c_str());
}

void check_text(const std::string& listed) {
  for (const char byte : listed) {
    if (byte != '\n' && (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f))
      found("a control character: %s", listed.c_str());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  static const bool quiet = crochet_log_set_level(CROCHET_LOG_OFF) == CROCHET_OK;
  if (!quiet) found("log_set_level");
  fuzz::begin_story();
  fuzz::Bytes bytes(data, size);
  crochet_options* options = nullptr;
  if (crochet_options_new(&options) != CROCHET_OK) found("options_new");
  std::string name = bytes.text(20);
  name.resize(std::min(name.size(), name.find('\0')));
  tell("loop \"%s\"", name.c_str());
  if (crochet_options_set_thread_name(options, name.c_str()) != CROCHET_OK) found("set_thread_name");
  if (crochet_setup(options) != CROCHET_OK) found("setup");
  crochet_options_free(options);

  std::deque<std::string> labels;  // not copied by the library
  std::vector<crochet_result*> results;
  for (int i = 0; i < 20 && !bytes.at_end(); ++i) {
    std::string label = bytes.text(300);
    label.resize(std::min(label.size(), label.find('\0')));
    tell("label of %zu bytes", label.size());
    labels.push_back(std::move(label));
    crochet_call* call = nullptr;
    if (crochet_call_new(nullptr, 0, &call) != CROCHET_OK) found("call_new");
    if (crochet_call_set_label(call, labels.back().c_str()) != CROCHET_OK) found("set_label");
    if (crochet_call_set_delay_ns(call, CROCHET_FOREVER) != CROCHET_OK) found("set_delay_ns");
    if (crochet_call_run(call, &never, nullptr, &results.emplace_back()) != CROCHET_OK) found("call_run");
  }
  std::string json;
  std::string text;
  if (crochet_dump(nullptr, CROCHET_DUMP_JSON, &append, &json) != CROCHET_OK) found("dump");
  if (crochet_dump(nullptr, CROCHET_DUMP_TEXT, &append, &text) != CROCHET_OK) found("dump");
  check_json(json, labels, name);
  check_text(text);
  for (crochet_result* result : results) {
    if (crochet_result_cancel(result, nullptr) != CROCHET_OK) found("cancel");
    crochet_result_release(result);
  }
  if (crochet_shutdown(0) != CROCHET_OK) found("shutdown");
  return 0;
}
