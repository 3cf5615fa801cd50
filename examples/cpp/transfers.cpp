// SPDX-License-Identifier: MIT
// libcurl says which sockets to watch (a uv_poll_t each) and when to look again (one uv_timer_t).
#include "transfers.hpp"

#include <memory>

namespace {

template <class Handle>
uv_handle_t* as_handle(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

void init_curl() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (once != CURLE_OK) throw transfer_error(once, curl_easy_strerror(once));
}

}  // namespace

struct transfers::transfer {
  std::unique_ptr<CURL, void (*)(CURL*)> easy{curl_easy_init(), curl_easy_cleanup};
  crochet::deferred<page> deferred;  // gone with the transfer, when libcurl has nothing of it any more
  page result;
  char message[CURL_ERROR_SIZE] = {};
};

struct transfers::watch {
  uv_poll_t poll{};
  curl_socket_t socket;
  transfers* owner;
};

transfers::transfers(transfer_options options)
    : options_(std::move(options)), loop_(crochet_current_uv()), timer_(nullptr), multi_(nullptr) {
  init_curl();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::bad_alloc();
  timer_ = new uv_timer_t;
  uv_timer_init(loop_, timer_);
  timer_->data = this;
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timeout);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

transfers::~transfers() {
  while (!running_.empty()) {
    transfer* t = *running_.begin();
    t->deferred.reject(CROCHET_ECANCELED, "the downloader has been destroyed");
    end(t);
  }
  curl_multi_cleanup(multi_);  // closes connections, and asks for their sockets to be no longer watched
  uv_close(as_handle(timer_), [](uv_handle_t* h) { delete reinterpret_cast<uv_timer_t*>(h); });
}

crochet::deferred<page> transfers::get(const std::string& url) {
  auto t = std::make_unique<transfer>();
  CURL* easy = t->easy.get();
  if (easy == nullptr) throw std::bad_alloc();
  const auto on_body = +[](char* data, std::size_t, std::size_t size, void* to) {
    static_cast<transfer*>(to)->result.body.append(data, size);
    return size;
  };
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, t.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->message);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, t.get());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // an abort doesn't wait for the thread that looks the name up
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.time_limit.count()));
  if (!options_.use_proxy) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (!options_.certificate.empty()) {
    curl_blob blob = {options_.certificate.data(), options_.certificate.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  }

  const auto deferred = t->deferred;
  const bool wanted = deferred.on_cancel([this, it = t.get()](const crochet::deferred<page>& d) {
    d.reject(CROCHET_ECANCELED);
    end(it);  // aborts it: the connection is closed
  });
  if (!wanted) return deferred;  // the loop is stopping: don't start
  running_.insert(t.get());
  curl_multi_add_handle(multi_, easy);
  static_cast<void>(t.release());  // end() deletes it
  return deferred;
}

// It is settled: libcurl lets go of it.
void transfers::end(transfer* which) {
  curl_multi_remove_handle(multi_, which->easy.get());
  running_.erase(which);
  delete which;
}

// Lets libcurl go on, then settles the transfers that are done.
void transfers::go_on(curl_socket_t socket, int events) {
  int count = 0;
  curl_multi_socket_action(multi_, socket, events, &count);
  while (const CURLMsg* message = curl_multi_info_read(multi_, &count)) {
    transfer* t = nullptr;
    if (message->msg != CURLMSG_DONE || curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK)
      continue;
    const CURLcode code = message->data.result;
    if (code == CURLE_OK) {
      curl_easy_getinfo(t->easy.get(), CURLINFO_RESPONSE_CODE, &t->result.status);
      t->deferred.resolve(std::move(t->result));
    } else {
      t->deferred.reject(transfer_error(code, t->message[0] != '\0' ? t->message : curl_easy_strerror(code)));
    }
    end(t);
  }
}

int transfers::on_timeout(CURLM*, long milliseconds, void* arg) {
  auto* self = static_cast<transfers*>(arg);
  if (milliseconds < 0) return uv_timer_stop(self->timer_);
  const auto on_time = [](uv_timer_t* timer) { static_cast<transfers*>(timer->data)->go_on(CURL_SOCKET_TIMEOUT, 0); };
  return uv_timer_start(self->timer_, on_time, static_cast<std::uint64_t>(milliseconds), 0);
}

int transfers::on_socket(CURL*, curl_socket_t socket, int what, void* arg, void* watched) {
  auto* self = static_cast<transfers*>(arg);
  auto* w = static_cast<watch*>(watched);
  if (what == CURL_POLL_REMOVE) {
    if (w != nullptr) uv_close(as_handle(&w->poll), [](uv_handle_t* h) { delete static_cast<watch*>(h->data); });
    return 0;
  }
  if (w == nullptr) {
    auto made = std::make_unique<watch>();
    made->socket = socket;
    made->owner = self;
    made->poll.data = made.get();
    if (uv_poll_init_socket(self->loop_, &made->poll, socket) != 0) return -1;
    w = made.release();
    curl_multi_assign(self->multi_, socket, w);
  }
  const auto on_events = [](uv_poll_t* poll, int status, int events) {
    const auto* it = static_cast<const watch*>(poll->data);
    int now = status < 0 ? CURL_CSELECT_ERR : 0;
    if ((events & UV_READABLE) != 0) now |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0) now |= CURL_CSELECT_OUT;
    it->owner->go_on(it->socket, now);
  };
  const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
  return uv_poll_start(&w->poll, events, on_events) == 0 ? 0 : -1;
}
