// SPDX-License-Identifier: MIT
// A server on a socket of the file system that only its owner may open: each line gets the answer that a function
// gives, until the visitor says "quit" or has no more to say. It belongs on a loop: crochet::loop_owned<line_server>.
#pragma once

#include <sys/stat.h>
#include <uv.h>

#include <cerrno>
#include <crochet.hpp>
#include <functional>
#include <map>

// [server]
class line_server {  // made, used and destroyed on its loop's thread
 public:
  using answers = std::function<std::string(const std::string& line)>;

  line_server(const std::string& path, answers answer) : answer_(std::move(answer)) {
    channel* listener = open();
    int rc = uv_pipe_bind(&listener->pipe, path.c_str());
    if (rc == 0 && chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) rc = -errno;
    if (rc == 0) rc = uv_listen(listener->stream(), 8, on_visitor);  // nobody could connect before
    if (rc != 0) throw crochet::error(rc);
  }
  // [end server]

 private:
  struct channel {
    explicit channel(line_server* its) : server(its) {
      uv_pipe_init(crochet_current_uv(), &pipe, 0);
      pipe.data = goodbye.data = this;
    }
    uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&pipe); }

    uv_pipe_t pipe;
    uv_shutdown_t goodbye;
    line_server* server;
    std::string typed;
    char room[256];
  };
  struct closing {  // libuv has the memory until it is closed
    void operator()(channel* it) const {
      uv_close(reinterpret_cast<uv_handle_t*>(&it->pipe),
               [](uv_handle_t* h) { delete static_cast<channel*>(h->data); });
    }
  };

  channel* open() {
    std::unique_ptr<channel, closing> made(new channel(this));
    channel* it = made.get();
    return channels_.emplace(it, std::move(made)), it;
  }

  static void on_visitor(uv_stream_t* listener, int) {
    line_server* self = static_cast<channel*>(listener->data)->server;
    channel* it = self->open();
    const auto give_room = [](uv_handle_t* h, std::size_t, uv_buf_t* out) {
      *out = uv_buf_init(static_cast<channel*>(h->data)->room, sizeof channel::room);
    };
    if (uv_accept(listener, it->stream()) != 0 || uv_read_start(it->stream(), give_room, on_typed) != 0)
      self->channels_.erase(it);
  }

  static void on_typed(uv_stream_t* stream, ssize_t count, const uv_buf_t* bytes) {
    auto* it = static_cast<channel*>(stream->data);
    if (count < 0) return it->server->say_goodbye(it);
    it->typed.append(bytes->base, static_cast<std::size_t>(count));
    for (std::size_t end = 0; (end = it->typed.find('\n')) != std::string::npos; it->typed.erase(0, end + 1)) {
      const std::string line = it->typed.substr(0, end);
      if (line == "quit") return it->server->say_goodbye(it);
      say(it, it->server->answer_(line));
    }
  }

  static void say(channel* it, std::string text) {
    auto* said = new std::pair<uv_write_t, std::string>({}, std::move(text));
    said->first.data = said;
    const uv_buf_t bytes = uv_buf_init(said->second.data(), static_cast<unsigned>(said->second.size()));
    const auto written = [](uv_write_t* write, int) { delete static_cast<decltype(said)>(write->data); };
    if (uv_write(&said->first, it->stream(), &bytes, 1, written) != 0) delete said;
  }

  void say_goodbye(channel* it) {  // closes when all is written
    uv_read_stop(it->stream());
    const auto close = [](uv_shutdown_t* goodbye, int status) {
      auto* its = static_cast<channel*>(goodbye->data);
      if (status != UV_ECANCELED) its->server->channels_.erase(its);  // otherwise the server is no more
    };
    if (uv_shutdown(&it->goodbye, it->stream(), close) != 0) channels_.erase(it);
  }

  answers answer_;
  std::map<channel*, std::unique_ptr<channel, closing>> channels_;
};
