// SPDX-License-Identifier: MIT
#include "call/sight.hpp"

#include "call/handle.hpp"
#include "call/hot_path.hpp"
#include "call/side_reading.hpp"

namespace crochet {
namespace {

crochet_call_fn* function_of(std::uint64_t field) {
  return reinterpret_cast<crochet_call_fn*>(static_cast<std::uintptr_t>(field));
}

// When was this life of the slot first seen? Now, unless the word says that it was before: the mark is set only when
// the time stands there, and a new life begins without it.
std::int64_t note(Call& call, Word w) {
  Atomic<std::int64_t>* const at = first_seen(&call);
  if (at == nullptr) return 0;
  std::int64_t noted = at->load(relaxed);
  const Word generation = word::generation(w);
  while (is_outstanding(w) && word::generation(w) == generation) {
    // acquire in every load of the word: with the mark's release; the time is of this life.
    if ((w & word::kSeen) != 0) return at->load(relaxed);
    const std::int64_t now = monotonic_ns();  // after the look at the word: never before its life began
    if (!at->compare_exchange_strong(noted, now, relaxed, relaxed)) {
      w = call.word.load(acquire);  // somebody else notes it
      continue;
    }
    noted = now;
    // release: publishes the time. On a settled word this is lost against a destruction without a read-modify-write
    // (N7) at worst, with the life that it was of.
    if (call.word.compare_exchange_weak(w, w | word::kSeen, acq_rel, acquire)) return now;
  }
  return noted;
}

void read_side(Call& call, Sight* out) {
  const SideReading reading(call);
  const SideRecord* record = reading.record();
  if (record == nullptr) return;
  out->function = function_of(record->function.load(relaxed));
  out->label = record->label.load(relaxed);
  out->waits_for = record->waits_for.load(relaxed);
}

}  // namespace

bool see(Call& call, Sight* out) {
  // acquire: with make(); the fields are of this life at least.
  const Word first = call.word.load(acquire);
  if (!is_outstanding(first)) return false;
  out->loop = call.loop.load(acquire);
  out->deferreds = deferred_count(call.deferreds.load(acquire));
  const std::uint64_t field = call.function.load(acquire);
  out->function = nullptr;
  out->label = nullptr;
  out->waits_for = 0;
  if ((field & Call::kSideTag) != 0) read_side(call, out);
  else out->function = function_of(field);
  out->first_seen = note(call, first);
  out->id = reinterpret_cast<std::uintptr_t>(result_handle(&call, word::generation(first)));
  // acquire in all loads above: none of them comes after this.
  out->word = call.word.load(acquire);
  return is_outstanding(out->word) && word::generation(out->word) == word::generation(first);
}

void see_name(Call& call, crochet_call_fn** out_function, const char** out_label) {
  Sight sight{};
  const std::uint64_t field = call.function.load(acquire);
  if ((field & Call::kSideTag) != 0) read_side(call, &sight);
  else sight.function = function_of(field);
  *out_function = sight.function;
  *out_label = sight.label;
}

void see_all() {
  CallWalk walk;
  while (Call* call = walk.next()) {
    const Word w = call->word.load(acquire);
    if (is_outstanding(w) && (w & word::kSeen) == 0) note(*call, w);
  }
}

}  // namespace crochet
