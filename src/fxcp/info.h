// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp info`: what paths lie on, and how fxcp would copy from each to each other.
//   from  core/storage   Traits        and  core/copy's planner   Plan        to  text for a person, or one JSON object
// Why.   "Why is this slow" and "will this share blocks" should have an answer before anything is copied.
// How.   look() asks, info_text() and info_json() say it; so both can be tested without the machine they describe.
// Holds. Nothing is written or probed.  The plans are the copy engine's own, from the same facts about the pair.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/copy/planner.h"
#include "core/storage/storage.h"

namespace foxing::fxcp {

/// A file as an example of its kind, and what the planner says of it.
struct PlannedExample {
  std::string_view kind;  // "4 KiB", "sparse"
  copy::Shape shape;
  copy::Plan plan;
};

struct PairInfo {
  std::size_t source = 0;  // into Info::paths
  std::size_t target = 0;
  storage::PairTraits traits;
  storage::Nesting nesting = storage::Nesting::apart;  // the target to the source
  std::vector<PlannedExample> examples;
};

struct Info {
  storage::Surroundings machine;
  std::vector<storage::Traits> paths;
  std::vector<PairInfo> pairs;  // every two paths, both ways; none from a path that does not exist yet
  std::vector<Error> failures;  // paths that lead nowhere, in the order given
};

Info look(const std::vector<std::string>& paths);

/// What the planner makes of typical files between two places.
std::vector<PlannedExample> planned_examples(const copy::PairFacts& facts);

std::string info_text(const Info& info);
/// {"schema": "fxcp.info/1", ...} in one line; described in docs/json.md.
std::string info_json(const Info& info);

/// Prints what is known of `paths` to standard output and what is not to standard error.
/// Exit code: 0, 1 where some paths lead nowhere, 2 where all do or the output can't be written.
int run_info(const std::vector<std::string>& paths, bool json);

}  // namespace foxing::fxcp
