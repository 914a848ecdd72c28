// SPDX-License-Identifier: GPL-2.0-or-later
// Collector: what the engine says about one name, as one Outcome.  The worst that was said counts.
#pragma once

#include <optional>
#include <utility>

#include "core/copy/outcome.h"
#include "foxingd/pipeline/outcome.h"

namespace foxing::mirror {

pipeline::Trouble trouble_of(copy::ProblemKind kind);

class Collector final : public copy::Observer {
 public:
  void problem(copy::Problem problem) override;
  /// What was said since the last time.
  pipeline::Outcome take() { return std::exchange(worst_, {}); }

 private:
  pipeline::Outcome worst_;
};

}  // namespace foxing::mirror
