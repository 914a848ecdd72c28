// SPDX-License-Identifier: GPL-2.0-or-later
// What the target tells of earlier runs before anything is copied: directories that need no look, and files that only have another name.
//
//   from  run.cc   Options, sources and target        to  copy::Options::pruning and ::renames
//
// Pruning asks for a walk of the sources that looks at every entry: worth it where hashes are there or are to be left.  The hashes are bound to all options
// that decide what a target is to be (Options::decisive); options under which a directory's content does not follow from the source alone forbid both.
#pragma once

#include <memory>

#include "base/result.h"
#include "core/copy/copier.h"
#include "core/copy/renames.h"
#include "core/copy/subtrees.h"
#include "fxcp/arrangement.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

class Remembered {
 public:
  /// `target` may be invalid (a dry run that would make it).
  Remembered(const Options& options, const Arrangement& plan, sys::FdView target, const walk::Walk::Options& how, mode_t umask);
  /// The engine's options borrow from this.
  void apply_to(copy::Options& engine) const;

 private:
  void look_at_sources(const Options& options, const Arrangement& plan, sys::FdView target, const walk::Walk::Options& how);
  void look_for_orphans(const Options& options, const Arrangement& plan, sys::FdView target, const walk::Walk::Options& how);

  std::unique_ptr<copy::Subtrees> subtrees_;
  std::unique_ptr<copy::Renames> renames_;
  copy::Pruning pruning_;
  digest::Digest decisive_;
  bool notes_ = true;
};

}  // namespace foxing::fxcp
