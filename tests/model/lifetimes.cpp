// SPDX-License-Identifier: MIT
#include "model/lifetimes.hpp"

#include "model/execution.hpp"
#include "model/names.hpp"

namespace crochet::model {

constinit Lifetimes lifetimes;

void born(const void* begin, std::size_t size, const char* what, Memory kind) {
  execution.note({}, "born %s", what);
  lifetimes.birth(begin, size, what, kind);
}

void died(const void* begin) {
  if (execution.tracing()) execution.note({}, "died %s", describe(begin));
  lifetimes.death(begin);
}

void Lifetimes::clear() noexcept {
  count_ = 0;
  ++version_;
}

int Lifetimes::find(const void* begin) const noexcept {
  for (int i = count_ - 1; i >= 0; --i) {
    if (pieces_[i].begin == reinterpret_cast<std::uintptr_t>(begin)) return i;
  }
  return -1;
}

int Lifetimes::innermost_around(const void* object) const noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(object);
  int best = -1;
  for (int i = 0; i < count_; ++i) {
    const Piece& piece = pieces_[i];
    if (at < piece.begin || at - piece.begin >= piece.size) continue;
    if (best < 0 || piece.size <= pieces_[best].size) best = i;
  }
  return best;
}

void Lifetimes::birth(const void* begin, std::size_t size, const char* what, Memory kind) {
  int i = find(begin);
  if (i >= 0 && pieces_[i].alive && pieces_[i].size > size) i = -1;  // a slot at the start of its slab
  if (i < 0) {
    if (count_ == kMaxPieces) execution.fail("more than %d pieces of memory in one execution", kMaxPieces);
    i = count_++;
  } else {
    const Piece& before = pieces_[i];
    if (before.alive) execution.fail("%s is born where %s is still alive", what, before.what);
    if (kind == Memory::kTypeStable && !execution.clock().knows(before.changed_by, before.changed_at)) {
      execution.fail("%s is reused, not ordered after its death in T%d", what, before.changed_by);
    }
  }
  ++version_;
  const int thread = execution.thread();
  pieces_[i] = {
      reinterpret_cast<std::uintptr_t>(begin), size, what, kind, true, thread, execution.clock().of(thread), {}};
  name_block(begin, size, what);
}

void Lifetimes::death(const void* begin) {
  const int i = find(begin);
  if (i < 0) execution.fail("death of memory that was never born");
  Piece& piece = pieces_[i];
  if (!piece.alive) execution.fail("%s dies twice", piece.what);
  const VectorClock& clock = execution.clock();
  if (!clock.knows(piece.changed_by, piece.changed_at)) {
    execution.fail("%s dies, not ordered after its birth in T%d", piece.what, piece.changed_by);
  }
  if (!clock.covers(piece.used)) execution.fail("%s dies, not ordered after every use of it", piece.what);
  piece.alive = false;
  piece.changed_by = execution.thread();
  piece.changed_at = clock.of(piece.changed_by);
}

void Lifetimes::check(PieceCache& cache, const void* object, bool is_atomic) {
  if (cache.version != version_) cache = {version_, innermost_around(object)};
  if (cache.piece < 0) return;
  Piece& piece = pieces_[cache.piece];
  if (is_atomic && piece.kind == Memory::kTypeStable) return;
  if (!piece.alive) execution.fail("use of dead memory: %s of %s", describe(object), piece.what);
  const VectorClock& clock = execution.clock();
  if (!clock.knows(piece.changed_by, piece.changed_at)) {
    execution.fail("use of %s of %s, not ordered after its birth in T%d", describe(object), piece.what,
                   piece.changed_by);
  }
  const int thread = execution.thread();
  piece.used.set(thread, clock.of(thread));
}

void Lifetimes::expect_none_alive() const {
  int alive = 0;
  const char* what = "";
  for (int i = 0; i < count_; ++i) {
    if (!pieces_[i].alive) continue;
    ++alive;
    what = pieces_[i].what;
  }
  if (alive > 0) execution.fail("leak: %d alive at the end, %s among them", alive, what);
}

}  // namespace crochet::model
