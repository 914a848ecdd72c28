// SPDX-License-Identifier: GPL-2.0-or-later
// The self-test: does every operation in a hidden directory of the source, and proves which of them are heard of here.
//   from  foxingd check --self-test; self_test = true        to  Proof, one an operation
// Why.   What a source of events hears of is known from tests on other machines.  Kernels and filesystems differ.
// Holds. It writes to the source's filesystem, so it is asked for, and never done otherwise.  The directory has a temporary name of foxingd's, which no mirror takes;
//        it goes when the test ends, also by a signal, and what a killed one has left goes with the next.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "foxingd/capture/choose.h"

namespace foxing::foxingd {

struct Proof {
  capture::Operation operation;
  bool is_believed = false;  // by the table
  Result<bool> heard;  // the error: it cannot be done here
  /// The table says more than is true.
  bool is_wrong() const { return is_believed && heard && !*heard; }
};

/// `capture`: a word of capture/choose.h.  Errors: the directory cannot be made or taken away, nothing can listen, or a signal came.
Result<std::vector<Proof>> self_test(const std::string& source, const std::string& capture, const capture::Wishes& wishes);

/// "heard of", "cannot be done here: ...", in words.
std::string in_words(const Proof& proof);

}  // namespace foxing::foxingd
