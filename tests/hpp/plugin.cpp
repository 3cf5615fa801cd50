// SPDX-License-Identifier: MIT
// A shared object built with hidden visibility; includes crochet.hpp like its host.
#include "hpp/plugin.hpp"

namespace plugin {

crochet::eventual_result<Page> load(std::string text) {
  return crochet::run([](std::string t) { return Page{std::move(t)}; }, std::move(text));
}
crochet::eventual_result<Page> load_later(std::string text) {
  return crochet::run([text = std::move(text)] {
    crochet::deferred<Page> d;
    d.resolve(Page{text});
    return d;
  });
}
crochet::eventual_result<void> fail() {
  return crochet::run([] { throw PluginError("from the plugin"); });
}
std::uint64_t stash_page(std::string text) { return load(std::move(text)).stash(); }
std::string retrieve_page(std::uint64_t uid) { return crochet::retrieve_result<Page>(uid).wait().text; }

std::string caught_as(void (*thrower)()) {
  try {
    thrower();
  } catch (const crochet::timeout_error&) {
    return "timeout";
  } catch (const crochet::cancelled_error&) {
    return "cancelled";
  } catch (const crochet::loop_stopped&) {
    return "stopped";
  } catch (const crochet::call_error&) {
    return "failed";
  } catch (const PluginError&) {
    return "plugin";
  }
  return "nothing";
}
std::string cancel_and_tell(crochet::eventual_result<int>& result) {
  result.cancel();
  try {
    result.wait();
  } catch (const crochet::cancelled_error&) {
    return "cancelled";
  } catch (const std::exception& e) {
    return e.what();
  }
  return "a value";
}

}  // namespace plugin
