// SPDX-License-Identifier: MIT
// Who takes a domain's mail? c-ares asks a name server, on crochet's loop; any thread calls mx(), which blocks, and
// gives up when its time is over.
//
//   mx DOMAIN [SERVER:PORT [SECONDS]]      without a server: those of the system
#include <ares.h>
#include <arpa/nameser.h>
#include <uv.h>

#include <chrono>
#include <crochet.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>

struct mail_server {
  int preference;
  std::string host;
};
using answer = crochet::deferred<std::vector<mail_server>>;

static void check(int status) {
  if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
}

// [resolver]
class resolver {  // made, used and destroyed on the loop's thread
 public:
  explicit resolver(const std::string& servers) : clock_(new uv_timer_t) {
    clock_->data = this;
    uv_timer_init(crochet_current_uv(), clock_.get());
    ares_options options{};
    options.sock_state_cb = on_socket;
    options.sock_state_cb_data = this;
    ares_channel made = nullptr;
    check(ares_init_options(&made, &options, ARES_OPT_SOCK_STATE_CB));
    channel_.reset(made);
    if (!servers.empty()) check(ares_set_servers_ports_csv(made, servers.c_str()));
  }
  answer mx(const std::string& domain) {
    answer later;  // c-ares keeps a copy; a caller who gives up settles it, and its answer is thrown away
    ares_query(channel_.get(), domain.c_str(), ns_c_in, ns_t_mx, on_answer, new answer(later));
    return later;
  }

 private:
  static void on_answer(void* arg, int status, int, unsigned char* bytes, int length) {
    const std::unique_ptr<answer> later(static_cast<answer*>(arg));
    ares_mx_reply* list = nullptr;
    if (status == ARES_SUCCESS) status = ares_parse_mx_reply(bytes, length, &list);
    std::vector<mail_server> found;
    for (const auto* one = list; one != nullptr; one = one->next) found.push_back({one->priority, one->host});
    ares_free_data(list);
    if (status == ARES_SUCCESS) later->resolve(std::move(found));
    else later->reject(std::runtime_error(ares_strerror(status)));
  }
  static void on_socket(void* arg, ares_socket_t socket, int readable, int writable) {
    auto* self = static_cast<resolver*>(arg);
    auto& poll = self->polls_[socket];
    if (!poll) {
      poll.reset(new uv_poll_t);
      poll->data = self;
      uv_poll_init_socket(crochet_current_uv(), poll.get(), socket);
    }
    uv_poll_start(poll.get(), (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), [](uv_poll_t* it, int, int) {
      uv_os_fd_t fd = ARES_SOCKET_BAD;
      uv_fileno(reinterpret_cast<uv_handle_t*>(it), &fd);
      ares_process_fd(static_cast<resolver*>(it->data)->channel_.get(), fd, fd);
    });
    if (!readable && !writable) self->polls_.erase(socket);
    const auto tick = [](uv_timer_t* it) {
      ares_process_fd(static_cast<resolver*>(it->data)->channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    };
    self->polls_.empty() ? uv_timer_stop(self->clock_.get()) : uv_timer_start(self->clock_.get(), tick, 1000, 1000);
  }
  struct closing {
    template <class Handle>
    void operator()(Handle* handle) const {
      uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* it) { delete reinterpret_cast<Handle*>(it); });
    }
  };
  std::unique_ptr<uv_timer_t, closing> clock_;
  std::map<ares_socket_t, std::unique_ptr<uv_poll_t, closing>> polls_;
  std::unique_ptr<ares_channeldata, void (*)(ares_channel)> channel_{nullptr, ares_destroy};  // the first to go
};
// [end resolver]

int main(int argc, char** argv) try {
  if (argc < 2) return std::fprintf(stderr, "usage: %s DOMAIN [SERVER:PORT [SECONDS]]\n", argv[0]), EXIT_FAILURE;
  check(ares_library_init(ARES_LIB_INIT_ALL));
  crochet::setup();
  // [use]
  const crochet::loop_owned<resolver> names(std::in_place, argc > 2 ? argv[2] : "");
  const auto mx = names.wait_for(std::chrono::duration<double>(argc > 3 ? std::atof(argv[3]) : 5), &resolver::mx);
  for (const auto& [preference, host] : mx(argv[1])) std::printf("%d %s\n", preference, host.c_str());
  // [end use]
  return crochet::shutdown(std::chrono::seconds(1)) == crochet::stop_outcome::ended ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& e) {
  return std::fprintf(stderr, "%s\n", e.what()), EXIT_FAILURE;
}
