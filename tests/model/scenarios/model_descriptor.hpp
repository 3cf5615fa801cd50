// SPDX-License-Identifier: MIT
// Stands in for base/event_descriptor.cpp in a scenario, which can have one descriptor.
#pragma once

namespace crochet::model {

bool is_raised();  // for who polls it: see Atomic::peek

}  // namespace crochet::model
