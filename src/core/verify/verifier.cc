// SPDX-License-Identifier: GPL-2.0-or-later
// Directories, objects without content, and what the observer hears.  Regular files: regular_file.cc.
#include "core/verify/verifier.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/assert.h"
#include "core/verify/not_compared.h"
#include "core/verify/opposite.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::verify {
namespace {

constexpr std::size_t kListingSize = 64 * 1024;

tl::unexpected<Trouble> trouble(Side side, Error error) { return tl::unexpected<Trouble>({side, std::move(error)}); }

std::string shown_device(dev_t device) { return fmt::format("{}:{}", major(device), minor(device)); }
std::string shown_mode(const sys::FileStatus& status) { return fmt::format("{:04o}", status.permissions()); }

Difference type_difference(sys::FileType a, sys::FileType b) {
  return {Difference::What::type, sys::name_of(a), sys::name_of(b)};
}

}  // namespace

Error changed_error() {
  return {.code = 0, .operation = "", .subject = {}, .detail = "changed while it was compared, each time it was tried"};
}

meta::Policy all_attributes() {
  meta::Policy keep{.mode = true, .owner = true, .group = true, .times = true, .xattrs = true, .acls = true};
  keep.privileges = {.set_owner = true,
                     .trusted_attributes = true,
                     .file_capabilities = true,
                     .ignore_permissions = true,
                     .make_devices = true,
                     .keep_setgid = true};
  return keep;
}

Result<> verify(std::vector<Pair> pairs, const Options& options, const walk::Walk::Options& how, Observer& observer,
                Counters& counters) {
  Verifier verifier(options, observer, how.workers);
  walk::Walk walk(verifier, how);
  verifier.connect(walk);
  for (Pair& pair : pairs) {
    const auto status = FOX_TRY(sys::status_of(pair.a));
    auto opposite = FOX_TRY(verifier.oppose(pair.a, std::move(pair.b), std::move(pair.b_shown), pair.b_name, pair.b_links));
    if (pair.a_name.empty()) {
      walk.add_root(std::move(pair.a), status, std::move(pair.a_shown), std::move(opposite));
    } else {
      const walk::Hold place = walk.add_place(std::move(pair.a), std::move(pair.a_shown), std::move(opposite));
      walk.add_entry(place, pair.a_name, pair.a_type, pair.a_links);
    }
  }
  walk.run();
  verifier.add_counters_to(counters);
  return {};
}

Verifier::Verifier(const Options& options, Observer& observer, unsigned workers)
    : options_(options), observer_(observer), workers_(std::max(workers, 1u)) {}

Verifier::~Verifier() = default;

void Verifier::add_counters_to(Counters& sum) const {
  sum.add(counters_);
  for (const Worker& worker : workers_) sum.add(worker.counters);
}

// ---- Directories

Result<std::unique_ptr<walk::Attachment>> Verifier::oppose(sys::FdView a, sys::UniqueFd b, std::string b_shown,
                                                           std::string b_name, sys::Links b_links) {
  std::unique_ptr<Opposite> opposite = FOX_TRY(adopt(a, std::move(b)));
  opposite->shown = std::move(b_shown);
  opposite->entry_name = std::move(b_name);
  opposite->entry_links = b_links;
  return std::unique_ptr<walk::Attachment>(std::move(opposite));
}

Result<std::unique_ptr<Verifier::Opposite>> Verifier::adopt(sys::FdView a, sys::UniqueFd b) {
  const sys::FileStatus status = FOX_TRY(sys::status_of(b));
  auto opposite = std::make_unique<Opposite>(std::move(b), status);
  opposite->a_traits = FOX_TRY(storage::quick_traits(a));
  opposite->b_traits = FOX_TRY(storage::quick_traits(opposite->fd));
  return opposite;
}

walk::Visitor::Descend Verifier::enter(walk::Directory& directory, walk::WorkerIndex) {
  walk::Directory* const parent = directory.parent();
  if (parent != nullptr) {
    if (is_not_compared(directory.name())) {
      counters_.left_out.fetch_add(1, std::memory_order_relaxed);
      return Descend::no;
    }
    if (!attach_opposite(directory, opposite_of(*parent))) return Descend::no;
  }
  Opposite& opposite = opposite_of(directory);
  opposite.own.emplace(compare_directory(directory, opposite));
  // A root itself may be a mount point; inode 0 is the place of single names.
  if (parent != nullptr && options_.one_filesystem && parent->status().inode() != InodeNo(0) &&
      directory.status().device() != parent->status().device()) {
    settle_directory(directory);
    return Descend::no;
  }
  return Descend::yes;
}

bool Verifier::attach_opposite(walk::Directory& directory, Opposite& above) {
  walk::Directory& parent = *directory.parent();
  const std::string name = above.name_for(directory.name());
  constexpr auto kDirectory = sys::FileType::directory;
  auto fd = sys::open_at(above.fd, name, {.links = above.entry_links, .directory = true, .keep_atime = true});
  if (!fd && fd.error().code == ENOENT) {
    tell_only_in_a(parent, directory.name(), kDirectory);
    return false;
  }
  above.met(directory.name());
  if (!fd && (fd.error().code == ENOTDIR || fd.error().code == ELOOP)) {
    if (options_.keep_dirlinks)
      fd = sys::open_at(above.fd, name, {.links = sys::Links::follow, .directory = true, .keep_atime = true});
    if (!fd) {
      const auto other = sys::status_at(above.fd, name, above.entry_links);
      tell(parent, directory.name(), kDirectory,
           other ? Found(std::vector{type_difference(kDirectory, other->type())}) : Found(trouble(Side::b, other.error())));
      return false;
    }
  }
  if (!fd) {
    tell_unreadable(parent, directory.name(), kDirectory, {Side::b, std::move(fd).error()});
    return false;
  }
  auto status = sys::status_of(*fd);
  if (!status) {
    tell_unreadable(parent, directory.name(), kDirectory, {Side::b, std::move(status).error()});
    return false;
  }
  auto opposite = std::make_unique<Opposite>(std::move(*fd), *status);
  // Asked again only where another filesystem begins.
  const bool same_a = directory.status().device() == above.a_traits.device;
  const bool same_b = status->device() == above.b_traits.device;
  auto a_traits = same_a ? Result<storage::QuickTraits>(above.a_traits) : storage::quick_traits(directory.fd());
  auto b_traits = same_b ? Result<storage::QuickTraits>(above.b_traits) : storage::quick_traits(opposite->fd);
  if (!a_traits || !b_traits) {
    const Side side = a_traits ? Side::b : Side::a;
    tell_unreadable(parent, directory.name(), kDirectory, {side, a_traits ? b_traits.error() : a_traits.error()});
    return false;
  }
  opposite->a_traits = *a_traits;
  opposite->b_traits = *b_traits;
  directory.attach(std::move(opposite));
  return true;
}

Verifier::Found Verifier::compare_directory(walk::Directory& directory, Opposite& opposite) {
  sys::FileStatus a = directory.status(), b = opposite.status;
  for (int reading = 1;; ++reading) {
    auto found = attribute_differences({directory.fd()}, a, {opposite.fd}, b);
    const auto a_now = sys::status_of(directory.fd());
    if (!a_now) return trouble(Side::a, a_now.error());
    const auto b_now = sys::status_of(opposite.fd);
    if (!b_now) return trouble(Side::b, b_now.error());
    if (sys::same_version(a, *a_now) && sys::same_version(b, *b_now)) return found;
    if (reading == kMostReadings) return trouble(Side::a, changed_error());
    counters_.retries.fetch_add(1, std::memory_order_relaxed);
    a = *a_now;
    b = *b_now;
  }
}

void Verifier::leave(walk::Directory& directory) {
  Opposite& opposite = opposite_of(directory);
  // Descriptors that could not be opened again have been reported by the walk.
  if (opposite.told.load() && (directory.fd().number() < 0 || !opposite.fd)) return;
  if (options_.extra_names && !sys::stop_requested()) {
    if (auto looked = look_for_extra_names(directory, opposite); !looked && *opposite.own)
      opposite.own = Found(tl::unexpected<Trouble>(std::move(looked).error()));
  }
  settle_directory(directory);
}

void Verifier::settle_directory(walk::Directory& directory) {
  Opposite& opposite = opposite_of(directory);
  if (opposite.told.load()) return;
  // After a stop nobody knows what else is in it; only a difference is certain.
  if (sys::stop_requested() && *opposite.own && (*opposite.own)->empty()) return;
  tell(directory, {}, sys::FileType::directory, std::move(*opposite.own));
}

Answer<void> Verifier::look_for_extra_names(walk::Directory& directory, Opposite& opposite) {
  std::uint64_t listed = 0, hashes = 0;
  sys::DirectoryReader reader(kListingSize);
  while (true) {
    const auto more = reader.fill(opposite.fd);
    if (!more) return trouble(Side::b, more.error());
    if (!*more) break;
    while (const auto entry = reader.next()) {
      const std::string_view name(entry->name, entry->length);
      if (is_not_compared(name)) continue;
      ++listed;
      hashes += std::hash<std::string_view>{}(name);
    }
  }
  // The hashes, because B may not tell names apart that A does (case): then one name of B is met twice, and may hide another one.
  if (listed == opposite.names_met.load() && hashes == opposite.hashes_met.load()) return {};
  std::uint64_t extra = 0;
  if (auto looked = look_up_names(directory, opposite, extra); !looked) return looked;
  const std::uint64_t met = opposite.names_met.load();
  if (listed - std::min(extra, listed) >= met || !*opposite.own) return {};
  const auto now = sys::status_of(opposite.fd);
  if (!now) return trouble(Side::b, now.error());
  if (!sys::same_version(opposite.status, *now)) return trouble(Side::b, changed_error());
  (*opposite.own)->push_back({Difference::What::names, fmt::format("{} names", met), fmt::format("{} names", listed - extra)});
  return {};
}

Answer<void> Verifier::look_up_names(walk::Directory& directory, Opposite& opposite, std::uint64_t& extra) {
  if (const auto begin = sys::set_position(opposite.fd, FileOffset(0)); !begin) return trouble(Side::b, begin.error());
  sys::DirectoryReader reader(kListingSize);
  while (true) {
    const auto more = reader.fill(opposite.fd);
    if (!more) return trouble(Side::b, more.error());
    if (!*more) return {};
    while (const auto entry = reader.next()) {
      if (sys::stop_requested()) return {};
      if (is_not_compared({entry->name, entry->length})) continue;
      const walk::Selector* const selector = walk_ != nullptr ? walk_->selector() : nullptr;
      if (selector != nullptr && !selector->selects(directory, entry->name, entry->type == sys::FileType::directory)) continue;
      const auto in_a = sys::status_at(directory.fd(), entry->name);
      if (in_a) continue;
      if (in_a.error().code != ENOENT) return trouble(Side::a, in_a.error());
      sys::FileType type = entry->type;
      if (type == sys::FileType::unknown) {
        const auto in_b = sys::status_at(opposite.fd, entry->name);
        if (in_b) type = in_b->type();
      }
      ++extra;
      tell({.result = Class::only_in_b, .path = path_in_b(directory, entry->name), .type = type, .differences = {}, .error = {}});
    }
  }
}

void Verifier::close_descriptors(walk::Directory& directory) {
  if (directory.attachment() != nullptr) opposite_of(directory).fd.reset();
}

Result<> Verifier::reopen_descriptors(walk::Directory& directory, walk::Directory* child) {
  if (directory.attachment() == nullptr) return {};
  Opposite& opposite = opposite_of(directory);
  const auto is_open = [](const walk::Directory* at) { return at->attachment() != nullptr && opposite_of(*at).fd; };
  sys::UniqueFd fd;
  if (child != nullptr && is_open(child)) {
    fd = FOX_TRY(sys::open_at(opposite_of(*child).fd, "..", {.directory = true, .keep_atime = true}));
  } else {
    std::string path = directory.name();
    const walk::Directory* above = directory.parent();
    for (; above != nullptr && !is_open(above); above = above->parent()) path.insert(0, above->name() + '/');
    if (above == nullptr) return fail(ESTALE, "openat");
    fd = FOX_TRY(sys::open_beneath(opposite_of(*above).fd, path, {.directory = true, .keep_atime = true}));
  }
  if (FOX_TRY(sys::status_of(fd)).key() != opposite.status.key())
    return fail(ESTALE, "openat", {}, "the directory compared with was moved meanwhile");
  opposite.fd = std::move(fd);
  return {};
}

// ---- Entries

bool Verifier::is_left_out(sys::FileType type) const {
  switch (type) {
    case sys::FileType::symlink: return !options_.symlinks;
    case sys::FileType::character_device:
    case sys::FileType::block_device: return !options_.devices;
    case sys::FileType::fifo:
    case sys::FileType::socket: return !options_.specials;
    default: return false;
  }
}

void Verifier::visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (is_not_compared(entry.name) || is_left_out(entry.type)) {
    at(worker).counters.left_out.fetch_add(1, std::memory_order_relaxed);
    // A name of the same kind in B is left out with it: it is not extra.
    if (!is_not_compared(entry.name) && sys::status_at(opposite_of(*directory).fd, entry.name))
      opposite_of(*directory).met(entry.name);
    return;
  }
  Opposite& opposite = opposite_of(*directory);
  const auto b = sys::status_at(opposite.fd, opposite.name_for(entry.name), opposite.entry_links);
  sys::FileType a_type = entry.type;
  if (!b || b->type() != a_type) {  // before something is said against A, is it still what its directory told?
    const auto a = sys::status_at(directory->fd(), entry.name, entry.links);
    if (!a && a.error().code == ENOENT) return vanished(*directory, entry.name);
    if (a) a_type = a->type();
  }
  if (!b && b.error().code == ENOENT) return tell_only_in_a(*directory, entry.name, a_type);
  opposite.met(entry.name);
  if (!b) return tell_unreadable(*directory, entry.name, a_type, {Side::b, b.error()});
  if (b->type() != a_type) return tell(*directory, entry.name, a_type, std::vector{type_difference(a_type, b->type())});
  switch (a_type) {
    case sys::FileType::regular: return visit_regular(directory, entry, worker);
    case sys::FileType::directory:
    case sys::FileType::unknown:  // it was none a moment ago
      return tell_unreadable(*directory, entry.name, a_type, {Side::a, changed_error()});
    default: return compare_object(directory, entry);
  }
}

void Verifier::compare_object(const walk::Hold& directory, const walk::Entry& entry) {
  const std::string name = entry.name;
  Opposite& opposite = opposite_of(*directory);
  std::optional<Difference> link;
  for (int reading = 1;; ++reading) {
    auto a_fd = sys::open_at(directory->fd(), name, {.access = sys::Access::path, .links = entry.links});
    if (!a_fd && a_fd.error().code == ENOENT) return vanished(*directory, name);
    auto a = a_fd ? sys::status_of(*a_fd) : Result<sys::FileStatus>(tl::make_unexpected(a_fd.error()));
    if (!a) return tell_unreadable(*directory, name, entry.type, {Side::a, std::move(a).error()});
    auto b_fd = sys::open_at(opposite.fd, opposite.name_for(name), {.access = sys::Access::path, .links = opposite.entry_links});
    if (!b_fd && b_fd.error().code == ENOENT) return tell_only_in_a(*directory, name, a->type());
    auto b = b_fd ? sys::status_of(*b_fd) : Result<sys::FileStatus>(tl::make_unexpected(b_fd.error()));
    if (!b) return tell_unreadable(*directory, name, entry.type, {Side::b, std::move(b).error()});

    const Opened a_side{std::move(*a_fd), *a}, b_side{std::move(*b_fd), *b};
    if (reading == 1) link = met_link(*directory, name, *a, *b, nullptr);
    auto found = compare_object_once(a_side, b_side);
    const auto a_now = sys::status_of(a_side.fd), b_now = sys::status_of(b_side.fd);
    const bool changed = a_now && b_now && !(sys::same_version(*a, *a_now) && sys::same_version(*b, *b_now));
    if (changed && reading < kMostReadings) {
      counters_.retries.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    if (changed) return tell_unreadable(*directory, name, a->type(), {Side::a, changed_error()});
    if (found && link) found->push_back(*link);
    return tell(*directory, name, a->type(), std::move(found));
  }
}

Verifier::Found Verifier::compare_object_once(const Opened& a, const Opened& b) {
  if (a.status.type() != b.status.type()) return std::vector{type_difference(a.status.type(), b.status.type())};
  std::vector<Difference> found;
  if (a.status.type() == sys::FileType::symlink) {
    auto a_text = sys::read_link_at(a.fd, "");
    if (!a_text) return trouble(Side::a, std::move(a_text).error());
    auto b_text = sys::read_link_at(b.fd, "");
    if (!b_text) return trouble(Side::b, std::move(b_text).error());
    if (*a_text != *b_text) found.push_back({Difference::What::symlink, std::move(*a_text), std::move(*b_text)});
  }
  if (sys::is_device(a.status.type()) && a.status.special_device() != b.status.special_device()) {
    found.push_back({Difference::What::device, shown_device(a.status.special_device()), shown_device(b.status.special_device())});
  }
  auto attributes = attribute_differences({a.fd, sys::Handle::path}, a.status, {b.fd, sys::Handle::path}, b.status);
  if (!attributes) return attributes;
  std::ranges::move(*attributes, std::back_inserter(found));
  return found;
}

Verifier::Found Verifier::attribute_differences(sys::Object a, const sys::FileStatus& a_status, sys::Object b,
                                                const sys::FileStatus& b_status) const {
  auto differences = meta::differences(a, a_status, b, b_status, options_.keep, options_.window);
  if (!differences) {
    // Whose it is decides which path the user is told: the side that still refuses, or else B's.
    const auto names = sys::list_attributes(a);
    std::string ignored;
    bool a_is_well = names.has_value();
    for (std::size_t i = 0; a_is_well && i < names->size(); ++i) {
      const auto got = sys::get_attribute(a, (*names)[i], ignored);
      a_is_well = got || got.error().code != differences.error().code;
    }
    return trouble(a_is_well ? Side::b : Side::a, std::move(differences).error());
  }
  std::vector<Difference> found;
  using enum Difference::What;
  if (differences->mode) found.push_back({mode, shown_mode(a_status), shown_mode(b_status)});
  if (differences->owner) found.push_back({owner, fmt::to_string(a_status.owner()), fmt::to_string(b_status.owner())});
  if (differences->group) found.push_back({group, fmt::to_string(a_status.group()), fmt::to_string(b_status.group())});
  if (differences->modified) found.push_back({modified, sys::to_text(a_status.modified()), sys::to_text(b_status.modified())});
  for (std::string& name : differences->attributes) found.push_back({attribute, {}, {}, std::move(name)});
  return found;
}

std::optional<Difference> Verifier::met_link(const walk::Directory& directory, std::string_view name, const sys::FileStatus& a,
                                             const sys::FileStatus& b, bool* known_same) {
  if (!options_.hard_links || (a.links() < 2 && b.links() < 2)) return std::nullopt;
  HardLinks::Meeting meeting = hard_links_.meet(a, b, path_in_a(directory, name));
  if (known_same != nullptr) *known_same = meeting.known_same;
  return std::move(meeting.difference);
}

void Verifier::unreadable(walk::Directory& directory, std::string_view name, Error error) {
  if (is_not_compared(name)) {
    counters_.left_out.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  // The directory itself may fail more than once; it is one entry.
  if (name.empty() && directory.attachment() != nullptr && opposite_of(directory).told.exchange(true)) return;
  tell_unreadable(directory, name, name.empty() ? sys::FileType::directory : sys::FileType::unknown, {Side::a, std::move(error)});
}

void Verifier::vanished(walk::Directory& directory, std::string_view name) {
  counters_.notes.fetch_add(1, std::memory_order_relaxed);
  observer_.vanished(path_in_a(directory, name));
}

// ---- What the observer hears

void Verifier::tell(Event event) {
  counters_.by_class[static_cast<std::size_t>(event.result)].fetch_add(1, std::memory_order_relaxed);
  observer_.found(event);
}

void Verifier::tell(const walk::Directory& directory, std::string_view name, sys::FileType type, Found found) {
  if (!found) return tell_unreadable(directory, name, type, std::move(found).error());
  if (found->empty() && !observer_.wants_same()) {
    counters_.by_class[static_cast<std::size_t>(Class::same)].fetch_add(1, std::memory_order_relaxed);
    return;
  }
  tell({.result = found->empty() ? Class::same : Class::differs,
        .path = path_in_a(directory, name),
        .type = type,
        .differences = std::move(*found),
        .error = {}});
}

void Verifier::tell_only_in_a(const walk::Directory& directory, std::string_view name, sys::FileType type) {
  tell({.result = Class::only_in_a, .path = path_in_a(directory, name), .type = type, .differences = {}, .error = {}});
}

void Verifier::tell_unreadable(const walk::Directory& directory, std::string_view name, sys::FileType type, Trouble trouble) {
  // The whole run was asked to stop, and says so itself.
  if (trouble.error.code == ECANCELED && sys::stop_requested()) return;
  std::string path = trouble.side == Side::a ? path_in_a(directory, name) : path_in_b(directory, name);
  Error error = std::move(trouble.error).about(path);
  tell({.result = Class::unreadable, .path = std::move(path), .type = type, .differences = {}, .error = std::move(error)});
}

std::string Verifier::path_in_a(const walk::Directory& directory, std::string_view name) const {
  return name.empty() ? directory.path() : directory.path_of(name);
}

std::string Verifier::path_in_b(const walk::Directory& directory, std::string_view name) const {
  const walk::Directory* root = &directory;
  while (root->parent() != nullptr) root = root->parent();
  std::string path = opposite_of(*root).shown;
  const auto add = [&](std::string_view part) {
    if (part.empty()) return;
    if (!path.empty() && path.back() != '/') path += '/';
    path += part;
  };
  add(directory.relative_path());
  const bool is_root = directory.parent() == nullptr;
  add(is_root && !name.empty() ? opposite_of(*root).name_for(name) : std::string(name));
  return path;
}

}  // namespace foxing::verify
