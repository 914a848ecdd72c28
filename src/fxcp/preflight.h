// SPDX-License-Identifier: GPL-2.0-or-later
// Pre-flight: does it fit?  Asked before the first write, and only where the answer could be no.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/strong.h"
#include "core/copy/estimate.h"
#include "core/walk/walk.h"
#include "fxcp/arrangement.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

/// How the walks of this run go: what the options say of symbolic links, and what `selector` chooses (null: everything).
walk::Walk::Options walk_options(const Options& options, unsigned workers, std::uint64_t descriptor_limit,
                                 walk::Selector* selector);

/// Opens what the items name and adds it to a walk that only looks.
void add_items_to_look_at(walk::Walk& walk, const Arrangement& plan);

/// What of the sources takes room on the target's filesystem.
copy::Estimate::Options estimate_options(const Arrangement& plan, const Options& options);

/// Errors: ENOSPC, with how much is missing, where the sources cannot fit.  A scan happens only where the target has less free than the source's filesystem has
/// in use.  What is in the target already and would be replaced counts as room.
Result<> check_space(const Arrangement& plan, const Options& options, const walk::Walk::Options& how);

/// The same for an archive that is to be restored into `target`, which may be missing: ENOSPC where it cannot fit.  `needed` is asked only where `at_most` is more
/// than there is.
Result<> check_room(const std::string& target, Bytes at_most, const std::function<Result<Bytes>()>& needed, unsigned workers);

/// --prune-empty-dirs: a walk of its own.
std::shared_ptr<const copy::EmptyDirectories> find_empty_directories(const Arrangement& plan, const Options& options,
                                                                     const walk::Walk::Options& how);
/// --link: refuses what lies on another filesystem than the target.
Result<> check_linking(const Arrangement& plan, const Options& options);

}  // namespace foxing::fxcp
