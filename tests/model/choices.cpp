// SPDX-License-Identifier: MIT
#include "model/choices.hpp"

namespace crochet::model {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

// splitmix64: turns neighbouring seeds into unrelated states.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

}  // namespace

void Choices::clear() {
  trail_.clear();
  position_ = 0;
  random_ = false;
  diverged_ = false;
}

void Choices::start_depth_first() { clear(); }

void Choices::start_random(std::uint64_t seed) {
  clear();
  random_ = true;
  random_state_ = mix(seed) | 1;
  stay_mask_ = (std::uint64_t{2} << (random_bits() % 3)) - 1;  // preempts one time in 2, in 4 or in 8
}

bool Choices::start_replay(std::string_view trail) {
  clear();
  for (const char digit : trail) {
    const std::size_t picked = kDigits.find(digit);
    if (picked == std::string_view::npos) return false;
    trail_.push_back({0, static_cast<std::uint8_t>(picked)});
  }
  return true;
}

bool Choices::next() {
  while (!trail_.empty() && trail_.back().picked + 1 >= trail_.back().options) trail_.pop_back();
  if (trail_.empty()) return false;
  ++trail_.back().picked;
  return true;
}

int Choices::follow(int options) {
  Choice& choice = trail_[position_++];
  if (choice.options == 0) choice.options = static_cast<std::uint8_t>(options);
  if (choice.options != options || choice.picked >= options) {
    diverged_ = true;
    return 0;
  }
  return choice.picked;
}

int Choices::record(int options, int picked) {
  trail_.push_back({static_cast<std::uint8_t>(options), static_cast<std::uint8_t>(picked)});
  ++position_;
  return picked;
}

// xorshift64*
std::uint64_t Choices::random_bits() {
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return (random_state_ * 0x2545f4914f6cdd1dU) >> 32;
}

int Choices::draw(int options) { return static_cast<int>(random_bits() % static_cast<std::uint64_t>(options)); }

bool Choices::stays() { return (random_bits() & stay_mask_) != 0; }

std::string Choices::trail() const {
  std::string text;
  for (const Choice& choice : trail_) text += kDigits[choice.picked];
  text.erase(text.find_last_not_of('0') + 1);  // beyond its end a trail goes on with 0
  return text;
}

}  // namespace crochet::model
