// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/restorer.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "core/archive/record.h"
#include "core/storage/filesystem.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::archive {
namespace {

constexpr mode_t kClosedDirectory = 0700;
constexpr std::size_t kMostPending = 64 * 1024 * 1024;
constexpr std::size_t kMostKept = 64;

/// Nothing more can be written: the run ends.
bool is_final(int code) { return code == ENOSPC || code == EROFS || code == EFBIG || code == EBADMSG || code == ECANCELED; }

std::pair<std::string_view, std::string_view> split(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

digest::Digest key_of(std::string_view path) { return digest::hash(as_bytes(path)); }

Error sentence(std::string words) { return {.code = 0, .operation = "", .subject = {}, .detail = std::move(words)}; }

}  // namespace

Result<std::unique_ptr<Restorer>> Restorer::into(sys::UniqueFd target, std::string shown, RestoreOptions options,
                                                 Observer& observer) {
  std::unique_ptr<Restorer> restorer(new Restorer(shown, std::move(options), observer));
  const sys::FileStatus status = FOX_TRY(sys::status_of(target));
  copy::Pair* const pair = FOX_TRY(restorer->pairs_.of(target, status.device(), target, status.device()));
  const copy::TargetDirectory::Gives gives{.acl = FOX_TRY(meta::has_default_acl({target})),
                                           .project = sys::inherits_project(target),
                                           .group = (status.permissions() & S_ISGID) != 0 && !restorer->options_.policy.group};
  Level root;
  root.target =
      std::make_unique<copy::TargetDirectory>(std::move(target), status, *pair, false, gives, copy::Placed{nullptr, shown});
  restorer->levels_.push_back(std::move(root));
  restorer->directories_.push_back({0, {}});
  return restorer;
}

// ---- What is told

void Restorer::fail_entry(const std::string& path, Error error) {
  ++counters_.problems;
  observer_.problem(join_path(shown_, path), error, true);
}

void Restorer::report(const std::string& path, const meta::Losses& losses) {
  for (const meta::Losses::One& loss : losses.all) {
    if (!loss.note) ++counters_.problems;
    observer_.problem(join_path(shown_, path), {loss.code, meta::name_of(loss.loss), {}, loss.detail}, !loss.note);
  }
}

/// Lets pass what ends everything, and tells the rest.
Result<> Restorer::settle(Result<> result, const std::string& path) {
  if (result) return result;
  if (is_final(result.error().code)) return tl::make_unexpected(std::move(result).error().about(join_path(shown_, path)));
  fail_entry(path, std::move(result).error());
  return {};
}

// ---- Entries

Result<> Restorer::begin(const Entry& entry) {
  FOX_ASSERT(!inside_);
  inside_ = true;
  made_ = false;
  if (entry.path.empty()) return begin_root(entry);
  const auto [parent, name_view] = split(entry.path);
  FOX_TRY(leave_until(parent));
  const std::string name(name_view);
  const bool directory = !entry.hard_link && entry.type == sys::FileType::directory;
  if (levels_.back().target == nullptr) {  // said already, of the directory
    if (directory) return settle(make_directory(entry, name), entry.path);
    return {};
  }
  if (watches_replaced_ && !levels_.back().target->fresh() && sys::status_at(levels_.back().target->fd(), name))
    replaced_.insert(key_of(entry.path));
  if (entry.hard_link) return settle(make_link(entry, name), entry.path);
  if (directory) return settle(make_directory(entry, name), entry.path);
  if (entry.type == sys::FileType::regular) return settle(begin_file(entry, name), entry.path);
  return settle(make_other(entry, name), entry.path);
}

Result<> Restorer::begin_root(const Entry& entry) {
  levels_.front().entry = entry;
  root_has_begun_ = true;
  made_ = true;
  return {};
}

Result<> Restorer::end() {
  FOX_ASSERT(inside_);
  inside_ = false;
  if (file_) {
    const std::string path = file_->entry.path;
    FOX_TRY(settle(commit_file(), path));
  }
  if (made_) ++counters_.entries;
  return {};
}

Result<> Restorer::take_back() {
  FOX_ASSERT(inside_);
  inside_ = false;
  if (file_) keep(*file_);
  file_.reset();
  return {};
}

void Restorer::give_up(Error why) {
  if (!file_) return;
  fail_entry(file_->entry.path, std::move(why));
  keep(*file_);
  file_.reset();
}

Result<> Restorer::pass_gap(const std::optional<Error>& why, const std::string& next) {
  if (why) {
    if (file_) give_up(*why);
    ++counters_.problems;
    observer_.problem(shown_, *why, true);
  }
  inside_ = false;
  const std::string parent(split(next).first);
  const auto leads_to = [&](std::string_view directory) {
    return directory.empty() ||
           (parent.starts_with(directory) && (parent.size() == directory.size() || parent[directory.size()] == '/'));
  };
  if (next.empty()) return {};
  while (levels_.size() > 1 && !leads_to(std::string_view(path_).substr(0, levels_.back().path_length))) leave();
  while (levels_.back().path_length < parent.size()) {
    const std::size_t begin = levels_.back().path_length == 0 ? 0 : levels_.back().path_length + 1;
    const std::string path = parent.substr(0, parent.find('/', begin));
    FOX_TRY(settle(make_directory({.type = sys::FileType::directory, .path = path}, path.substr(begin)), path));
    levels_.back().undressed = true;
    if (levels_.back().target != nullptr)
      fail_entry(path, sentence("its owner, mode and times are in a part of the archive that is damaged"));
  }
  return {};
}

Result<> Restorer::finish() {
  file_.reset();  // an archive that ends in a file
  while (levels_.size() > 1) leave();
  if (options_.dress_root && root_has_begun_) leave();
  return {};
}

// ---- Several snapshots

Result<> Restorer::remove(const Entry& entry) {
  const bool directory = !entry.hard_link && entry.type == sys::FileType::directory;
  if (replaced_.contains(key_of(entry.path))) {
    if (!directory)
      fail_entry(
          entry.path,
          sentence("an older snapshot took the place of what was there, the newest does not have it; it is as in the older one"));
    return {};
  }
  const auto [parent, name] = split(entry.path);
  const auto removed = [&, parent = std::string(parent), name = std::string(name)]() -> Result<> {
    const sys::FdView root = levels_.front().target->fd();
    sys::UniqueFd opened;
    if (!parent.empty()) opened = FOX_TRY(sys::open_beneath(root, parent, {.directory = true}));
    const sys::FdView place = parent.empty() ? root : sys::FdView(opened);
    const sys::FileStatus status = FOX_TRY(sys::status_of(place));
    // One of ours that is closed to us: it is dressed again, or goes as well.
    if (!options_.policy.privileges.ignore_permissions && (status.permissions() & 0700) != 0700 && status.owner() == ::geteuid())
      FOX_TRY(sys::set_mode({place}, status.permissions() | 0700));
    return directory ? sys::remove_directory_at(place, name) : sys::unlink_at(place, name);
  }();
  if (removed || removed.error().code == ENOENT) return {};
  if (removed.error().code == ENOTEMPTY || removed.error().code == EEXIST) {
    observer_.problem(join_path(shown_, entry.path),
                      sentence("is in an older snapshot only, and stays, since others' names are in it"), false);
    return {};
  }
  return settle(removed, entry.path);
}

void Restorer::count_again() {
  counters_.entries = 0;
  counters_.files = 0;
  watches_replaced_ = false;
}

void Restorer::count_in_place(const Entry& entry) {
  ++counters_.entries;
  if (entry.type == sys::FileType::regular) ++counters_.files;
}

// ---- Directories

Result<> Restorer::leave_until(std::string_view parent) {
  while (!levels_.empty() && std::string_view(path_).substr(0, levels_.back().path_length) != parent) {
    if (levels_.size() == 1)
      return fail(EBADMSG, "", {}, "damaged: an entry lies in something that is not a directory of the archive");
    leave();
  }
  return {};
}

/// The last directory gets what it is to have.
void Restorer::leave() {
  Level level = std::move(levels_.back());
  levels_.pop_back();
  if (level.path_length > 0) pending_weight_ -= level.entry.weight();
  if (level.target == nullptr || level.undressed) return;
  const sys::FileStatus wanted = level.entry.status();
  auto now = sys::status_of(level.target->fd());
  if (!now) return fail_entry(level.entry.path, std::move(now).error());
  meta::Current current = meta::Current::of(*now);
  if (level.target->fresh()) {
    current.own_mode.reset();
    current.may_have_attributes = level.target->inherits_acl();
  }
  const auto losses =
      meta::apply(level.entry.attributes, wanted, {level.target->fd()}, current, options_.policy, level.target->pair().fidelity);
  if (!losses) return fail_entry(level.entry.path, losses.error());
  report(level.entry.path, *losses);
}

Result<> Restorer::make_directory(const Entry& entry, const std::string& name) {
  pending_weight_ += entry.weight();
  if (pending_weight_ > kMostPending) return fail(EBADMSG, "", {}, "damaged: its directories have more attributes than is sane");
  copy::TargetDirectory* const parent = levels_.back().target.get();
  Level level;
  level.entry = entry;
  level.path_length = entry.path.size();
  Result<> made;
  if (parent != nullptr) {
    auto opened = open_directory(*parent, name);
    if (opened) {
      level.target = std::move(*opened);
      made_ = true;
    } else {
      made = tl::make_unexpected(std::move(opened).error());
      made.error().detail += made.error().detail.empty() ? "nothing below it is restored" : "; nothing below it is restored";
    }
  }
  if (level.target != nullptr) {
    level.number = static_cast<std::uint32_t>(directories_.size());
    directories_.push_back({levels_.back().number, name});
  }
  path_ = entry.path;
  levels_.push_back(std::move(level));
  return made;
}

/// A directory of ours that does not even let us look into it.
Result<sys::UniqueFd> Restorer::open_closed(sys::FdView parent, const std::string& name) {
  const sys::UniqueFd place = FOX_TRY(sys::open_at(parent, name, {.access = sys::Access::path, .directory = true}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(place));
  if (status.owner() != ::geteuid()) return fail(EACCES, "openat");
  FOX_TRY(sys::set_mode({place, sys::Handle::path}, status.permissions() | 0700));
  return sys::open_at(place, ".", {.directory = true});
}

Result<std::unique_ptr<copy::TargetDirectory>> Restorer::open_directory(copy::TargetDirectory& parent, const std::string& name) {
  const auto made_of = [&](sys::UniqueFd fd, bool fresh) -> Result<std::unique_ptr<copy::TargetDirectory>> {
    const sys::FileStatus status = FOX_TRY(sys::status_of(fd));
    if (fresh && storage::is_native(parent.pair().target_kind) && status.owner() != ::geteuid())
      return fail(ESTALE, "mkdirat", {}, "somebody put another directory in the place of the new one");
    copy::Pair* const pair = FOX_TRY(pairs_.of(fd, status.device(), fd, status.device()));
    copy::TargetDirectory::Gives gives = parent.gives();
    if (!fresh) gives = {.acl = FOX_TRY(meta::has_default_acl({fd})), .project = sys::inherits_project(fd)};
    // One of ours that is closed to us is opened until it is left.
    if (!fresh && !options_.policy.privileges.ignore_permissions && (status.permissions() & 0700) != 0700 &&
        status.owner() == ::geteuid())
      FOX_TRY(sys::set_mode({fd}, status.permissions() | 0700));
    return std::make_unique<copy::TargetDirectory>(std::move(fd), status, *pair, fresh, gives, copy::Placed{&parent, name});
  };
  bool fresh = true;
  if (auto made = sys::make_directory_at(parent.fd(), name, kClosedDirectory); !made) {
    if (made.error().code != EEXIST) return tl::make_unexpected(std::move(made).error());
    if (parent.fresh())
      return fail(EEXIST, "mkdirat", {},
                  "another entry of the archive has this name already: the target does not tell the two names apart");
    fresh = false;
  }
  auto fd = sys::open_at(parent.fd(), name, {.directory = true});
  if (!fd && fd.error().code == EACCES && !fresh) fd = open_closed(parent.fd(), name);
  if (fd) return made_of(std::move(*fd), fresh);
  if (fd.error().code != ENOTDIR && fd.error().code != ELOOP) return tl::make_unexpected(std::move(fd).error());
  // Something else has the name: it gives way.  Opened before it has its name, so that it is ours whatever is put in its place.
  const std::string temporary = temp_names_.next();
  FOX_TRY(sys::make_directory_at(parent.fd(), temporary, kClosedDirectory));
  auto opened = sys::open_at(parent.fd(), temporary, {.directory = true});
  auto placed = opened ? parent.put_in_place(temporary, name) : Result<>(tl::make_unexpected(opened.error()));
  if (!placed) {
    (void)sys::remove_directory_at(parent.fd(), temporary);
    return tl::make_unexpected(std::move(placed).error());
  }
  return made_of(std::move(*opened), true);
}

// ---- Regular files

Result<> Restorer::begin_file(const Entry& entry, const std::string& name) {
  copy::TargetDirectory& target = *levels_.back().target;
  if (entry.size > options_.most_bytes - counters_.bytes)
    return fail(EFBIG, "", {},
                fmt::format("more than {} would be written: --max-size allows no more", human(Bytes(options_.most_bytes))));
  mode_t mode = meta::wanted_mode(entry.status(), options_.policy) & 0777;
  if (!options_.policy.privileges.ignore_permissions) mode |= S_IWUSR;  // user.* attributes ask for it
  auto staged =
      FOX_TRY(copy::StagedFile::create(target, target.fd(), temp_names_, name, mode, copy::StagedFile::Staging::atomic));
  const auto number = static_cast<std::uint32_t>(files_.size());
  files_.push_back({levels_.back().number, name});
  file_.emplace(File{entry, std::move(staged), number});
  return {};
}

Result<> Restorer::data(std::span<const std::byte> bytes) {
  if (!file_) return {};
  if (bytes.size() > file_->entry.size - file_->at) {
    give_up(sentence("damaged: it has more content than its size says"));
    return {};
  }
  auto written = sys::write_all_at(file_->staged.fd(), bytes, FileOffset(file_->at));
  if (!written) {
    const std::string path = file_->entry.path;
    keep(*file_);
    file_.reset();
    return settle(std::move(written), path);
  }
  file_->at += bytes.size();
  file_->data_end = file_->at;
  counters_.bytes += bytes.size();
  return {};
}

Result<> Restorer::hole(std::uint64_t bytes) {
  if (!file_) return {};
  if (bytes > file_->entry.size - file_->at) {
    give_up(sentence("damaged: it has more content than its size says"));
    return {};
  }
  file_->at += bytes;
  return {};
}

Result<> Restorer::commit_file() {
  File file = std::move(*file_);
  file_.reset();
  const Entry& entry = file.entry;
  copy::TargetDirectory& target = *levels_.back().target;
  const auto finished = [&]() -> Result<> {
    if (file.at != entry.size) return fail(0, "", {}, "damaged: it has less content than its size says");
    if (file.data_end < entry.size) FOX_TRY(sys::truncate(file.staged.fd(), Bytes(entry.size)));  // it ends in a hole
    meta::Current current = FOX_TRY(target.newborn(file.staged.fd(), file.staged.mode()));
    const auto losses = FOX_TRY(
        meta::apply(entry.attributes, entry.status(), {file.staged.fd()}, current, options_.policy, target.pair().fidelity));
    if (entry.leads_links) links_[key_of(entry.path)] = FOX_TRY(sys::status_of(file.staged.fd())).key();
    FOX_TRY(file.staged.commit());
    report(entry.path, losses);
    return {};
  }();
  if (!finished) {
    if (entry.leads_links) links_.erase(key_of(entry.path));
    keep(file);
    return finished;
  }
  made_ = true;
  ++counters_.files;
  observer_.done(entry.path);
  return {};
}

// ---- Everything else

Result<> Restorer::make_other(const Entry& entry, const std::string& name) {
  copy::TargetDirectory& target = *levels_.back().target;
  if (sys::is_device(entry.type) && !options_.devices)
    return fail(0, "", {}, fmt::format("is a {}; --devices makes it", sys::name_of(entry.type)));
  if (entry.type == sys::FileType::symlink)
    return make_object(entry, name, [&](const std::string& as) { return sys::make_symlink_at(target.fd(), as, entry.text); });
  const mode_t type = entry.status().raw.st_mode & S_IFMT;
  const dev_t device = sys::is_device(entry.type) ? ::makedev(entry.major, entry.minor) : 0;
  return make_object(entry, name, [&](const std::string& as) { return sys::make_node_at(target.fd(), as, type | 0600, device); });
}

Result<> Restorer::make_object(const Entry& entry, const std::string& name,
                               const std::function<Result<>(const std::string&)>& make) {
  copy::TargetDirectory& target = *levels_.back().target;
  const bool in_place = target.fresh();  // an object without content cannot be half there
  const std::string temporary = in_place ? name : temp_names_.next();
  FOX_TRY(make(temporary));
  auto losses = dress_object(entry, temporary);
  auto placed = !losses    ? Result<>(tl::make_unexpected(losses.error()))
                : in_place ? Result<>()
                           : target.put_in_place(temporary, name);
  if (!placed) {
    (void)target.remove(temporary);
    return placed;
  }
  report(entry.path, *losses);
  if (entry.leads_links) FOX_TRY(remember(entry, name));
  made_ = true;
  observer_.done(entry.path);
  return {};
}

Result<meta::Losses> Restorer::dress_object(const Entry& entry, const std::string& name) {
  copy::TargetDirectory& target = *levels_.back().target;
  const sys::UniqueFd made = FOX_TRY(sys::open_at(target.fd(), name, {.access = sys::Access::path}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(made));
  // What we are about to give away must be what we made, and not something that was put in its place.
  if (status.type() != entry.type || status.links() != 1 ||
      (sys::is_device(entry.type) && status.special_device() != entry.status().special_device()))
    return fail(ESTALE, "openat", {}, "somebody put something else in the place of the new one");
  meta::Current current = meta::Current::of(status);
  current.own_mode.reset();
  current.may_have_attributes = target.inherits_acl() && status.type() != sys::FileType::symlink;
  return meta::apply(entry.attributes, entry.status(), {made, sys::Handle::path}, current, options_.policy,
                     target.pair().fidelity);
}

Result<> Restorer::remember(const Entry& entry, const std::string& name) {
  links_[key_of(entry.path)] = FOX_TRY(sys::status_at(levels_.back().target->fd(), name)).key();
  return {};
}

Result<> Restorer::make_link(const Entry& entry, const std::string& name) {
  copy::TargetDirectory& target = *levels_.back().target;
  const auto first = links_.find(key_of(entry.text));
  if (first == links_.end())
    return fail(0, "", {}, fmt::format("is another name of '{}', which was not restored", printable(entry.text)));
  // The very file that was made, and below the target: names may have been changed by others meanwhile.
  const sys::UniqueFd file = FOX_TRY(sys::open_beneath(levels_.front().target->fd(), entry.text, {.access = sys::Access::path}));
  if (FOX_TRY(sys::status_of(file)).key() != first->second)
    return fail(ESTALE, "linkat", {}, "the file's first name in the target has been replaced meanwhile");
  auto linked = sys::link_descriptor_at(file, target.fd(), name);
  if (!linked && linked.error().code == EEXIST && !target.fresh()) {
    // rename(2) does nothing where both names are the same file already, and would leave the temporary one.
    const auto existing = sys::status_at(target.fd(), name);
    if (existing && existing->key() == first->second) {
      linked = {};
    } else {
      const std::string temporary = temp_names_.next();
      FOX_TRY(sys::link_descriptor_at(file, target.fd(), temporary));
      linked = target.put_in_place(temporary, name);
      if (!linked) (void)target.remove(temporary);
    }
  }
  FOX_TRY(std::move(linked));
  made_ = true;
  observer_.done(entry.path);
  return {};
}

// ---- Reading what was written

/// The content of a file that gets no name may be referred to all the same.
void Restorer::keep(File& file) {
  if (file.at == 0 || kept_.size() >= kMostKept) return;
  if (auto copy = sys::duplicate(file.staged.fd())) kept_.emplace(file.number, std::move(*copy));
}

std::string Restorer::path_of(std::uint32_t file) const {
  std::string path = files_[file].name;
  for (std::uint32_t at = files_[file].directory; at != 0; at = directories_[at].directory)
    path = directories_[at].name + '/' + path;
  return path;
}

Result<Restorer::Place> Restorer::spill(std::span<const std::byte> bytes) {
  if (bytes.size() > options_.most_bytes - spilled_content_)
    return fail(EFBIG, "", {}, "more would be written than --max-size allows");
  spilled_content_ += bytes.size();
  return set_aside(bytes);
}

Result<Restorer::Place> Restorer::set_aside(std::span<const std::byte> bytes) {
  if (!spill_) {
    const sys::FdView root = levels_.front().target->fd();
    auto nameless = sys::create_nameless(root, 0600);
    if (!nameless) {
      const std::string temporary = temp_names_.next();
      const auto closed = sys::close_written(FOX_TRY(sys::create_at(root, temporary, 0600)));
      nameless = sys::open_at(root, temporary, {.access = sys::Access::read_write});
      FOX_TRY(sys::unlink_at(root, temporary));  // first: no error leaves it
      FOX_TRY(closed);
    }
    spill_ = FOX_TRY(std::move(nameless));
  }
  FOX_TRY(sys::write_all_at(spill_, bytes, FileOffset(spilled_)));
  const Place place{Place::kSpill, spilled_};
  spilled_ += bytes.size();
  return place;
}

Result<> Restorer::read_back(Place place, std::span<std::byte> into) {
  sys::FdView from = spill_;
  if (place.file != Place::kSpill) {
    const auto kept = kept_.find(place.file);
    if (file_ && file_->number == place.file) {
      from = file_->staged.fd();
    } else if (kept != kept_.end()) {
      from = kept->second;
    } else {
      if (!last_read_ || last_read_->first != place.file) {
        const std::string path = path_of(place.file);
        auto opened = sys::open_beneath(levels_.front().target->fd(), path);
        if (!opened) return tl::make_unexpected(std::move(opened).error().about(path));
        last_read_.emplace(place.file, std::move(*opened));
      }
      from = last_read_->second;
    }
  }
  if (FOX_TRY(sys::read_all_at(from, into, FileOffset(place.offset))) < into.size()) return fail(ESTALE, "read");
  return {};
}

}  // namespace foxing::archive
