// SPDX-License-Identifier: MIT
// Qt: QMetaObject::invokeMethod() on an object that lives in a QThread: blocking for one result, queued with a promise
// for many.
#include <unistd.h>

#include <QCoreApplication>
#include <QObject>
#include <QSocketNotifier>
#include <QThread>
#include <QTimer>
#include <array>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "../program.hpp"

namespace bench {
namespace {

class QtPeer {
 public:
  explicit QtPeer(const Arguments& asked) {
    accept_variants(asked, {});
    object_.moveToThread(&thread_);
    thread_.start();
  }
  ~QtPeer() {
    thread_.quit();
    thread_.wait();
  }

  void on_loop(const std::function<void()>& function) {
    QMetaObject::invokeMethod(
        &object_, [&] { function(); }, Qt::BlockingQueuedConnection);
  }

  void echo(int socket) {
    on_loop([&] {
      notifier_ = std::make_unique<QSocketNotifier>(socket, QSocketNotifier::Read);
      QObject::connect(notifier_.get(), &QSocketNotifier::activated, &object_, [socket] {
        char text[4096];
        const ssize_t length = read(socket, text, sizeof text);
        must(length > 0 && write(socket, text, static_cast<std::size_t>(length)) == length, "the echo of Qt");
      });
    });
    socket_ = socket;
  }
  void end_echo() {
    on_loop([this] { notifier_.reset(); });
    close(socket_);
  }

  class Caller {
   public:
    Caller(QtPeer& peer, std::size_t /*number*/) : peer_(peer) {}

    int call_and_wait() {
      int result = 0;
      QMetaObject::invokeMethod(
          &peer_.object_, [] { return 1; }, Qt::BlockingQueuedConnection, &result);
      return result;
    }

    int call_timer_and_wait() {
      std::promise<int> done;
      QMetaObject::invokeMethod(
          &peer_.object_,
          [this, &done] { QTimer::singleShot(0, Qt::PreciseTimer, &peer_.object_, [&done] { done.set_value(1); }); },
          Qt::QueuedConnection);
      return done.get_future().get();
    }

    std::size_t burst(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        auto done = std::make_shared<std::promise<int>>();
        results_[i] = done->get_future();
        QMetaObject::invokeMethod(
            &peer_.object_, [done = std::move(done)] { done->set_value(1); }, Qt::QueuedConnection);
      }
      std::size_t sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += static_cast<std::size_t>(results_[i].get());
      return sum;
    }

    void fire(Tally& tally, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        QMetaObject::invokeMethod(
            &peer_.object_, [&tally] { tally.add_one(); }, Qt::QueuedConnection);
      }
    }

   private:
    QtPeer& peer_;
    std::array<std::future<int>, kBurst> results_;
  };

 private:
  QThread thread_;
  QObject object_;
  std::unique_ptr<QSocketNotifier> notifier_;  // the loop's thread only
  int socket_ = -1;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) {
  qputenv("QT_NO_GLIB", "1");  // Qt's own event loop, which is faster than GLib's
  QCoreApplication application(count, words);
  return bench::run_program<bench::QtPeer>("qt", count, words);
}
