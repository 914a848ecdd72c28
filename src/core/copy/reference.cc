// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/reference.h"

#include <sys/stat.h>

#include "core/copy/copier.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

namespace {

/// The last component by itself, so that reading it does not move its access time.
Result<sys::UniqueFd> open_in(sys::FdView directory, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return sys::open_at(directory, path, {.keep_atime = true});
  const sys::UniqueFd parent =
      FOX_TRY(sys::open_beneath(directory, path.substr(0, slash), {.access = sys::Access::path, .directory = true}));
  return sys::open_at(parent, path.substr(slash + 1), {.keep_atime = true});
}

}  // namespace

std::optional<References::Found> References::find(const std::string& relative_path, Bytes size) const {
  for (const sys::UniqueFd& directory : directories) {
    auto fd = open_in(directory, relative_path);
    if (!fd) continue;  // not there, or not to be read: the source has it
    const auto there = sys::born_status_at(*fd, "");
    if (there && there->status.type() == sys::FileType::regular && there->status.size() == size)
      return Found{std::move(*fd), there->status, there->born};
  }
  return std::nullopt;
}

bool Copier::taken_from_reference(const walk::Hold& directory, const std::string& name, const Opened& source,
                                  walk::WorkerIndex worker) {
  if (options_.references == nullptr || options_.dry_run) return false;
  const auto found = options_.references->find(directory->relative_path_of(name), source.status.size());
  if (!found) return false;
  Data data = quick_check(source.status, found->status, found->born, options_.compare);
  if (data == Data::same && looks_at_bytes()) data = Data::look;
  if (data == Data::differs) return false;
  if (data == Data::look) {
    const auto same = same_bytes(at(worker).bench, source.fd, found->fd, source.status.size());
    if (!same || !*same) return false;
  }
  const auto differences =
      meta::differences({source.fd}, source.status, {found->fd}, found->status, options_.keep, options_.compare.window);
  if (!differences) return false;
  // An access time of its own is no reason for a file of its own.
  meta::Differences others = *differences;
  others.accessed = false;
  const bool equal = !others.any();
  if (options_.references->use == References::Use::compare) return equal && left_to_reference(*directory, name, source, worker);

  if (shared_with_reference(directory, name, source, found->fd, worker)) return true;
  if (options_.references->use != References::Use::link || !equal) return false;
  return named_as_reference(directory, name, source, *found, worker);
}

/// --compare-dest: it is there, so it need not be here.
bool Copier::left_to_reference(const walk::Directory& directory, const std::string& name, const Opened& source,
                               walk::WorkerIndex worker) {
  at(worker).counters.unchanged.fetch_add(1, std::memory_order_relaxed);
  if (observer_.wants_unchanged()) tell(directory, name, FileEvent::Action::unchanged, source.status, {});
  if (source.leads_link_group) link_group_failed(source.status.key(), ENOENT, worker);
  return true;
}

/// A clone of the reference's file with the attributes of the source.  False where blocks cannot be shared.
bool Copier::shared_with_reference(const walk::Hold& directory, const std::string& name, const Opened& source,
                                   sys::FdView reference, walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(*directory);
  if (options_.choices.reflink == Reflink::never || !target.pair().target_shares_blocks) return false;
  auto staged = stage(target, target.name_for(name), source.status, worker);
  if (!staged || !sys::clone(reference, staged->fd())) return false;  // the usual way will say what is wrong
  auto losses = dress(target, source, *staged);
  const auto after = sys::status_of(source.fd);
  if (!losses || !after || !sys::same_version(source.status, *after)) return false;
  Moved moved{.tier = Tier::clone, .bytes = Bytes(0), .attempts = {}};
  if (observer_.wants_files()) moved.attempts.push_back({Tier::clone, 0});
  commit(directory, name, {{}, source.status, source.leads_link_group, source.changes},
         {std::move(*staged), std::move(moved), std::move(*losses), "an earlier copy has it unchanged"}, worker);
  return true;
}

/// Another name of the reference's file.  False where that is refused.
bool Copier::named_as_reference(const walk::Hold& directory, const std::string& name, const Opened& source,
                                const References::Found& found, walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(*directory);
  const auto linked = link_file(target, target.name_for(name), found.fd, found.status.key());
  if (!linked) return false;
  Counters& counters = at(worker).counters;
  (*linked == Linked::now ? counters.hard_links : counters.unchanged).fetch_add(1, std::memory_order_relaxed);
  if (*linked == Linked::now && observer_.wants_files()) {
    FileEvent event = event_of(*directory, name, FileEvent::Action::linked, sys::FileType::regular);
    event.status = source.status;
    observer_.file(event);
  }
  note_placed(*directory, name, source.status, found.status.key() != source.status.key());
  if (source.leads_link_group) link_group_done(*directory, name, source.status, worker);
  return true;
}

}  // namespace foxing::copy
