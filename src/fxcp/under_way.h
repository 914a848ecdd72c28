// SPDX-License-Identifier: GPL-2.0-or-later
// Where data lies while a copy is under way: --temp-dir, --partial, --partial-dir.
//
//   from  run.cc   Options, Arrangement, the open target        to  copy::Options; a refusal before anything is copied
//
// Holds. A directory that is named once for the whole run is there, lies on the target's filesystem, and not inside what is copied or may be deleted.
#pragma once

#include <string>

#include "base/result.h"
#include "core/copy/copier.h"
#include "fxcp/arrangement.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

class UnderWay {
 public:
  /// `target` is invalid where a dry run would make it.  Errors: a sentence with the directory's name.
  static Result<UnderWay> prepare(const Options& options, const Arrangement& plan, sys::FdView target);
  /// The options borrow from this.
  void apply_to(copy::Options& engine) const;

 private:
  std::string partial_name_;
  sys::UniqueFd partial_;
  sys::UniqueFd temporary_;
  DeviceId device_;
  bool append_ = false;
};

/// What partial files of earlier runs take of the target's room, and give back.
Bytes room_of_partials(const Options& options, const Arrangement& plan);

}  // namespace foxing::fxcp
