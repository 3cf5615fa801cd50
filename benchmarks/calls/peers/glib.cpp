// SPDX-License-Identifier: MIT
// GLib: g_main_context_invoke(), a mutex and a condition for one result, a GAsyncQueue for those of a burst.
#include <glib-unix.h>
#include <glib.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "../program.hpp"

namespace bench {
namespace {

class GlibPeer {
 public:
  explicit GlibPeer(const Arguments& asked) {
    accept_variants(asked, {});
    thread_ = std::thread([this] {
      g_main_context_push_thread_default(context_);
      g_main_loop_run(loop_);
      g_main_context_pop_thread_default(context_);
    });
    // Until the thread owns the context, a call would be run in place.
    while (g_main_loop_is_running(loop_) == FALSE) std::this_thread::yield();
    on_loop([] {});
  }
  ~GlibPeer() {
    g_main_context_invoke(context_, quit, loop_);
    thread_.join();
    g_main_loop_unref(loop_);
    g_main_context_unref(context_);
  }

  void on_loop(const std::function<void()>& function) {
    Reply reply;
    reply.function = &function;
    call(answer, reply);
  }

  void echo(int socket) {
    socket_ = socket;
    on_loop([&] {
      source_ = g_unix_fd_source_new(socket, G_IO_IN);
      // A source's callback is given as another type than it has.
      g_source_set_callback(source_, reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(write_back)), nullptr,
                            nullptr);
      g_source_attach(source_, context_);
    });
  }
  void end_echo() {
    on_loop([this] {
      g_source_destroy(source_);
      g_source_unref(source_);
      close(socket_);
    });
  }

 private:
  // Lives as long as its caller, so that the condition may be signalled with the mutex free.
  struct Reply {
    Reply() {
      g_mutex_init(&mutex);
      g_cond_init(&changed);
    }
    ~Reply() {
      g_cond_clear(&changed);
      g_mutex_clear(&mutex);
    }
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;

    void settle() {
      g_mutex_lock(&mutex);
      value = 1;
      g_mutex_unlock(&mutex);
      g_cond_signal(&changed);
    }
    int wait() {
      g_mutex_lock(&mutex);
      while (value == 0) g_cond_wait(&changed, &mutex);
      const int taken = value;
      value = 0;
      g_mutex_unlock(&mutex);
      return taken;
    }

    GMutex mutex;
    GCond changed;
    int value = 0;  // guarded by it
    const std::function<void()>* function = nullptr;
    GMainContext* context = nullptr;
  };

 public:
  class Caller {
   public:
    Caller(GlibPeer& peer, std::size_t /*number*/) : peer_(peer) { reply_.context = peer.context_; }
    ~Caller() { g_async_queue_unref(queue_); }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    int call_and_wait() { return peer_.call(answer, reply_); }
    int call_timer_and_wait() { return peer_.call(answer_by_timer, reply_); }

    std::size_t burst(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) g_main_context_invoke(peer_.context_, push, queue_);
      std::size_t sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += GPOINTER_TO_SIZE(g_async_queue_pop(queue_));
      return sum;
    }

    void fire(Tally& tally, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) g_main_context_invoke(peer_.context_, add_one, &tally);
    }

   private:
    GlibPeer& peer_;
    Reply reply_;
    GAsyncQueue* const queue_ = g_async_queue_new();
  };

 private:
  int call(GSourceFunc function, Reply& reply) {
    g_main_context_invoke(context_, function, &reply);
    return reply.wait();
  }

  // ---- On the loop's thread ----
  static gboolean answer(gpointer it) {
    auto* reply = static_cast<Reply*>(it);
    if (reply->function != nullptr) (*reply->function)();
    reply->settle();
    return G_SOURCE_REMOVE;
  }
  static gboolean answer_by_timer(gpointer it) {
    GSource* timer = g_timeout_source_new(0);
    g_source_set_callback(timer, answer, it, nullptr);
    g_source_attach(timer, static_cast<Reply*>(it)->context);
    g_source_unref(timer);
    return G_SOURCE_REMOVE;
  }
  static gboolean push(gpointer queue) {
    g_async_queue_push(static_cast<GAsyncQueue*>(queue), GSIZE_TO_POINTER(1));
    return G_SOURCE_REMOVE;
  }
  static gboolean add_one(gpointer tally) {
    static_cast<Tally*>(tally)->add_one();
    return G_SOURCE_REMOVE;
  }
  static gboolean quit(gpointer loop) {
    g_main_loop_quit(static_cast<GMainLoop*>(loop));
    return G_SOURCE_REMOVE;
  }
  static gboolean write_back(gint socket, GIOCondition /*condition*/, gpointer /*data*/) {
    char text[4096];
    const ssize_t length = read(socket, text, sizeof text);
    if (length <= 0) return G_SOURCE_REMOVE;
    must(write(socket, text, static_cast<std::size_t>(length)) == length, "writing to the socket");
    return G_SOURCE_CONTINUE;
  }

  GMainContext* const context_ = g_main_context_new();
  GMainLoop* const loop_ = g_main_loop_new(context_, FALSE);
  GSource* source_ = nullptr;
  int socket_ = -1;
  std::thread thread_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::GlibPeer>("glib", count, words); }
