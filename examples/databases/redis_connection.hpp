// SPDX-License-Identifier: MIT
// A connection to Redis on a loop: hiredis' asynchronous API, whose socket libuv watches. Commands that are given while
// the loop is busy leave in one write. Keep it in a crochet::loop_owned, as shared_redis.hpp does.
#pragma once
#include <hiredis/async.h>
#include <uv.h>

#include <crochet.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct redis_error : std::runtime_error {
  using runtime_error::runtime_error;
};

class redis_connection {  // the loop's thread only
 public:
  redis_connection(std::string address, int port) : address_(std::move(address)), port_(port) {}
  redis_connection(const redis_connection&) = delete;
  redis_connection& operator=(const redis_connection&) = delete;
  ~redis_connection() {
    if (context_ != nullptr) redisAsyncFree(context_);  // whoever still waits gets an error
  }

  // [command]
  crochet::deferred<std::string> command(const std::vector<std::string>& words) {
    if (context_ == nullptr) connect();  // for the first time, or since it was lost
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string& word : words) texts.push_back(word.data()), sizes.push_back(word.size());
    auto reply = std::make_unique<answer>();  // hiredis has it until on_reply, also if nobody waits any more
    auto result = *reply;
    const int count = static_cast<int>(words.size());
    if (redisAsyncCommandArgv(context_, on_reply, reply.get(), count, texts.data(), sizes.data()) != REDIS_OK)
      throw redis_error("the command can't be sent");
    static_cast<void>(reply.release());
    return result;
  }
  // [end command]

 private:
  using answer = crochet::deferred<std::string>;
  struct watch {  // of the socket, as hiredis asks for it; libuv has it for a while after the connection has gone
    uv_poll_t poll;
    redisAsyncContext* context;  // null: gone
    redis_connection* owner;
    int events;
  };

  void connect() {
    redisAsyncContext* context = redisAsyncConnect(address_.c_str(), port_);  // no name: to look it up would block
    if (context == nullptr) throw std::bad_alloc();
    std::unique_ptr<watch> made(new watch{{}, context, this, 0});
    made->poll.data = made.get();
    if (context->err != 0 || uv_poll_init(crochet_current_uv(), &made->poll, context->c.fd) != 0) {
      const redis_error failure(context->errstr);
      redisAsyncFree(context);
      throw failure;
    }
    context->ev = {made.release(),       want<UV_READABLE, 0>, want<0, UV_READABLE>,
                   want<UV_WRITABLE, 0>, want<0, UV_WRITABLE>, lost};
    context_ = context;
  }
  template <int More, int Less>
  static void want(void* it) {
    auto* w = static_cast<watch*>(it);
    const int events = (w->events | More) & ~Less;
    if (events != std::exchange(w->events, events)) uv_poll_start(&w->poll, events, on_events);
  }
  // hiredis/adapters/libuv.h does the same; but in release 0.14 it is silent when a connection is refused (status < 0).
  static void on_events(uv_poll_t* poll, int status, int events) {
    auto* w = static_cast<watch*>(poll->data);
    if (status < 0 || (events & UV_READABLE) != 0) redisAsyncHandleRead(w->context);
    if (w->context != nullptr && (events & UV_WRITABLE) != 0) redisAsyncHandleWrite(w->context);
  }
  static void lost(void* it) {  // everybody who waited has been told
    auto* w = static_cast<watch*>(it);
    w->context = w->owner->context_ = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&w->poll), [](uv_handle_t* h) { delete static_cast<watch*>(h->data); });
  }
  // [reply]
  static void on_reply(redisAsyncContext* context, void* got, void* arg) {
    const std::unique_ptr<answer> to(static_cast<answer*>(arg));
    const auto* reply = static_cast<redisReply*>(got);
    if (reply == nullptr) to->reject(redis_error(std::string("connection lost: ") + context->errstr));
    else if (reply->type == REDIS_REPLY_ERROR) to->reject(redis_error(reply->str));
    else if (reply->type == REDIS_REPLY_INTEGER) to->resolve(std::to_string(reply->integer));
    else if (reply->str != nullptr) to->resolve(reply->str, reply->len);
    else to->resolve();  // nil; an array's elements are left to you
  }
  // [end reply]

  std::string address_;
  int port_;
  redisAsyncContext* context_ = nullptr;  // null: not connected
};
