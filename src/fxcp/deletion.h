// SPDX-License-Identifier: GPL-2.0-or-later
// Deleting as the options ask for it: the guards before a run, what deletes and keeps during it, the passes before and after.
//
//   from  run.cc   Options, Arrangement, the open target        to  copy::Deleter, copy::Keeper; a refusal before anything is touched
//
// Why.   Most mirrors that were ever lost were lost by a correct program and a source that was not mounted.  So an empty source, and a source on another
//        filesystem than last time, are refused until somebody says that it is meant so.
// Not here: which names are extra (core/copy/deleting.h).
#pragma once

#include <optional>

#include "base/result.h"
#include "core/copy/copier.h"
#include "fxcp/arrangement.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

class Deletion {
 public:
  /// Errors: a directory for what is kept that cannot be used; nothing has been touched.
  static Result<std::unique_ptr<Deletion>> prepare(const Options& options, const Arrangement& plan, sys::FdView target,
                                                   copy::Observer& observer, copy::TempNames& names,
                                                   const walk::Selector* selector);

  /// For the copier: what deletes while it copies, null unless --delete-during; what keeps, null unless asked for.
  copy::Deleter* during() { return options_.deletion == Delete::during && deleter_ ? &*deleter_ : nullptr; }
  /// Whenever is deleted: what is in the way goes when its place is needed.
  copy::Clearing* clearing() { return deleter_ ? &*deleter_ : nullptr; }
  copy::Keeper* keeper() { return keeper_.get(); }

  /// --delete-before, --delete-after; nothing at the other moment.
  void pass(Delete moment, const walk::Walk::Options& how);
  /// Says what --max-delete has spared.
  void end();
  std::uint64_t removed() const { return deleter_ ? deleter_->removed() : 0; }

 private:
  Deletion(const Options& options, const Arrangement& plan, sys::FdView target, copy::Observer& observer)
      : options_(options), plan_(plan), target_(target), observer_(observer) {}

  const Options& options_;
  const Arrangement& plan_;
  const sys::FdView target_;
  copy::Observer& observer_;
  std::unique_ptr<copy::Keeper> keeper_;
  std::optional<copy::Deleter> deleter_;
};

/// Refuses to mirror a source that looks like a missing mount, and more deletions than --max-delete=N% allows.
/// Errors: a sentence naming the path, the reason and the option that overrides; nothing has been touched.
Result<> guard_deletion(const Options& options, const Arrangement& plan, sys::FdView target, const walk::Walk::Options& how);
/// After a run that went well: which filesystem was mirrored here.  Where the target has no extended attributes nothing is remembered.
void remember_origin(const Options& options, const Arrangement& plan, sys::FdView target);

}  // namespace foxing::fxcp
