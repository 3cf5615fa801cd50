// SPDX-License-Identifier: MIT
// The marker by which a test says which status code of which function it provokes.
//
//   TEST(Run, RefusesWithoutSetup) {
//     PROVOKES(crochet_run, CROCHET_ENOTSETUP);
//     EXPECT_EQ(crochet_run(nullptr, fn, nullptr, nullptr, nullptr), CROCHET_ENOTSETUP);
//   }
//
// error_table.py reads the markers and makes docs/error-table.md of them; it refuses a code that crochet.h documents
// for a function and that no test provokes. The compiler refuses a function or a code that does not exist.
#pragma once

#define PROVOKES(function, code) (static_cast<void>(&function), static_cast<void>(code))
