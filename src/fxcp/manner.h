// SPDX-License-Identifier: GPL-2.0-or-later
// The manner of a run: how fast it may go, what it does to owners and modes, and the look back at its end.
//
//   from  run.cc   Options        to  copy::Options; verify_copies after the copy
//
// What stands in such options is read here and not with the rest of the command line: users and groups are looked up for it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/copy/copier.h"
#include "core/governor/governor.h"
#include "core/meta/chmod.h"
#include "core/meta/id_map.h"
#include "fxcp/arrangement.h"
#include "fxcp/options.h"
#include "fxcp/report.h"

namespace foxing::fxcp {

class Manner {
 public:
  /// Sets the priorities of this process, and reads the rest.  Errors: a sentence that names the option.
  static Result<Manner> parse(const Options& options, mode_t umask);

  /// Opens the directories of --link-dest and its like, relative ones from `target`.  Errors: with the directory's name.
  Result<> open_references(const Options& options, sys::FdView target);
  /// Those that are not there.
  const std::vector<std::string>& missing_references() const { return missing_references_; }
  /// The options borrow from this.
  void apply_to(copy::Options& engine) const;
  bool deadline_passed() const { return governor_ != nullptr && governor_->deadline_passed(); }
  /// Lines for --stats: what was waited for.  Empty where nothing was.
  std::string waits() const;

 private:
  std::unique_ptr<governor::Governor> governor_;
  std::unique_ptr<meta::ModeChanges> chmod_;
  std::unique_ptr<meta::IdMap> ids_;
  std::unique_ptr<copy::References> references_;
  std::vector<std::string> missing_references_;
};

/// --verify: compares every SRC with its copy; what differs is a failure in `report`.
void verify_copies(const Options& options, const Arrangement& plan, sys::FdView target, const meta::Policy& keep,
                   const walk::Walk::Options& how, Report& report);

}  // namespace foxing::fxcp
