// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/remembered.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/signature/store.h"
#include "fxcp/preflight.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::fxcp {
namespace {

/// Which entries are compared at all follows from the directory and the options: rules in files may change without a trace in the tree that they apply to.
bool selection_is_fixed(const Options& options) {
  return !options.files_from && !options.relative && std::ranges::all_of(options.rules, [](const RuleOption& rule) {
    return rule.kind == RuleKind::exclude || rule.kind == RuleKind::include;
  });
}

/// What a directory's copy is to hold follows from the directory and the options, and from nothing else.
bool follows_from_the_source(const Options& options, const Arrangement& plan) {
  const bool by_what_is_there = options.update || options.existing || options.ignore_existing || !options.link_dest.empty() ||
                                !options.copy_dest.empty() || !options.compare_dest.empty() || options.keep_dirlinks ||
                                options.prune_empty_dirs || options.copy_unsafe_links || options.attributes_only || options.link;
  // Another source may have brought other things to the same place.
  const bool by_others = plan.items.size() > 1 && std::ranges::any_of(plan.items, &Item::mirror);
  const bool by_size = options.min_size || options.max_size;
  return options.recursive && options.symlinks == Symlinks::keep && !by_what_is_there && !by_others && !by_size &&
         selection_is_fixed(options) && !options.compress && !options.decompress;
}

digest::Digest digest_of_options(const Options& options, mode_t umask) {
  const std::string text = fmt::format("1\n{}uid {}\numask {:o}\n", options.decisive, ::geteuid(), umask);
  return digest::hash(std::as_bytes(std::span(text)));
}

/// The directory of the target that an item is copied to.
Result<sys::UniqueFd> copy_of(const Item& item, sys::FdView target) {
  return sys::open_at(target, item.mirror ? "." : item.name, {.directory = true, .keep_atime = true});
}

bool has_hash(const Arrangement& plan, sys::FdView target) {
  return std::ranges::any_of(plan.items, [&](const Item& item) {
    if (item.status.type() != sys::FileType::directory) return false;
    const auto copy = copy_of(item, target);
    signature::Sidecar sidecar;
    return copy && signature::Store().read_directory(*copy, sidecar).value.has_value();
  });
}

}  // namespace

Remembered::Remembered(const Options& options, const Arrangement& plan, sys::FdView target, const walk::Walk::Options& how,
                       mode_t umask) {
  decisive_ = digest_of_options(options, umask);
  notes_ = options.prune && selection_is_fixed(options);
  if (!target) return;
  look_at_sources(options, plan, target, how);
  look_for_orphans(options, plan, target, how);
}

void Remembered::look_at_sources(const Options& options, const Arrangement& plan, sys::FdView target,
                                 const walk::Walk::Options& how) {
  if (!follows_from_the_source(options, plan)) return;
  const bool every_name = options.itemize > 1;  // also of what is equal
  const bool known = !plan.make_directory && has_hash(plan, target);
  // Hashes that are there are kept up, by runs that make no signatures too.
  pruning_.store = (options.generate_sigs || known) && !options.dry_run;
  // Where the sources are looked at anyway, hashes further down are believed without one on top.
  pruning_.believe = options.prune && !options.remove_source_files && !plan.make_directory && !options.checksum &&
                     !options.ignore_times && !options.verify && !every_name && (pruning_.store || known);
  if (!pruning_.store && !pruning_.believe) return;
  pruning_.at_the_end = options.deletion == Delete::before || options.deletion == Delete::after || options.fsync ||
                        options.verify || options.detect_renames;
  pruning_.options = decisive_;
  subtrees_ = std::make_unique<copy::Subtrees>(copy::Subtrees::Options{.one_filesystem = options.one_file_system});
  walk::Walk walk(*subtrees_, how);
  add_items_to_look_at(walk, plan);
  walk.run();
  pruning_.subtrees = subtrees_.get();
}

void Remembered::look_for_orphans(const Options& options, const Arrangement& plan, sys::FdView target,
                                  const walk::Walk::Options& how) {
  if (!options.detect_renames || options.dry_run || plan.make_directory) return;
  const bool all_else_goes = options.deletion != Delete::no && options.rules.empty() && !options.max_depth && !options.backup &&
                             !options.backup_dir && !options.trash && !options.max_delete && !options.one_file_system;
  renames_ = std::make_unique<copy::Renames>(all_else_goes);
  copy::OrphanPass pass(*renames_);
  walk::Walk walk(pass, {.workers = how.workers, .descriptor_limit = how.descriptor_limit});
  for (const Item& item : plan.items) {
    if (item.status.type() != sys::FileType::directory) continue;
    auto source = sys::open_at(sys::working_directory(), item.source,
                               {.access = sys::Access::path, .links = item.links, .directory = true});
    auto copy = copy_of(item, target);
    const auto status = copy ? sys::status_of(*copy) : Result<sys::FileStatus>(tl::make_unexpected(copy.error()));
    if (!source || !status) continue;  // nothing there yet; what is wrong with the source the copier will say
    walk.add_root(std::move(*copy), *status, "", copy::OrphanPass::beside(std::move(*source), item.mirror ? "" : item.name));
  }
  walk.run();
}

void Remembered::apply_to(copy::Options& engine) const {
  engine.decisive = decisive_;
  engine.notes = notes_;
  engine.pruning = pruning_;
  engine.renames = renames_.get();
}

}  // namespace foxing::fxcp
