// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/exporter.h"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/own_names.h"
#include "base/text.h"
#include "core/archive/pipeline.h"
#include "core/copy/holes.h"
#include "core/copy/temp_names.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kMostUnderWay = 32 * 1024 * 1024;
constexpr std::size_t kStepWeight = 1024;  // what a step without content counts
constexpr std::size_t kSlab = 4 * 1024 * 1024;
constexpr std::size_t kWorthSharing = 64 * 1024;
constexpr int kTries = 3;
constexpr std::int64_t kYoung_s = 2;  // a file touched so short ago may be touched again without a new ctime

/// What is read goes here; chunks keep it for as long as they are under way.
struct Slab {
  explicit Slab(std::size_t bytes) : size(bytes), data(new std::byte[bytes]) {}
  std::size_t size;
  std::unique_ptr<std::byte[]> data;
};

/// What the writer will be told, in order.
struct Step {
  enum class What { begin, chunk, refer, end, take_back } what;
  Entry entry = {};
  Run run = {};
  std::shared_ptr<Slab> slab = {};
  std::span<const std::byte> bytes = {};
  digest::Digest id = {};
  Packed packed = {};
  std::optional<Error> error = {};
};

struct Name {
  std::string name;
  sys::FileType type;
};

/// A file with more names: the first one, and how many are to come.
struct Linked {
  Linked() = default;
  Linked(std::string first, const sys::FileStatus& status)
      : path(std::move(first)),
        to_come(status.links() - 1),
        size(status.size()),
        modified(status.modified()),
        changed(status.changed()) {}
  bool is(const sys::FileStatus& status) const {
    return size == status.size() && sys::same_time(modified, status.modified()) && sys::same_time(changed, status.changed());
  }
  std::string path;
  std::uint64_t to_come = 0;
  Bytes size;
  timespec modified{};
  timespec changed{};
};

struct Level {
  sys::UniqueFd fd;
  DeviceId device;
  std::vector<Name> names;
  std::size_t next = 0;
  std::size_t path_length = 0;  // of its own path
  std::shared_ptr<const filter::Scope> scope;
};

Error left_out(std::string why) { return {.code = 0, .operation = "", .subject = {}, .detail = std::move(why)}; }

class Exporter {
 public:
  Exporter(const ExportOptions& options, Writer& writer, Observer& observer)
      : options_(options),
        writer_(writer),
        observer_(observer),
        chunker_(options.chunks),
        pipeline_(options.workers, [this](Step& step, unsigned worker) { work(step, worker); }) {
    // Nothing has been pushed yet: no worker looks.
    for (unsigned i = 0; i <= options.workers; ++i) packers_.emplace_back(options.codec);
  }

  Result<ExportCounters> run(sys::FdView root);

 private:
  Result<> root_entry(sys::FdView root);
  Result<> enter(sys::UniqueFd fd, const sys::FileStatus& status);
  Result<std::vector<Name>> names_of(sys::FdView directory) const;
  bool is_left_out(const Level& level, const Name& name) const;
  Result<> visit(Level& level, const Name& name);
  Result<> visit_directory(Level& level, const Name& name);
  Result<> visit_regular(Level& level, const Name& name);
  Result<> visit_other(Level& level, const Name& name);
  Result<bool> taken_as_link(const sys::FileStatus& status);
  Result<bool> taken_from_before(Entry& entry, const sys::FileStatus& status);
  Result<bool> read_content(sys::FdView file, const sys::FileStatus& status);
  Result<bool> read_range(sys::FdView file, ByteRange range);
  std::optional<Entry> entry_of(const sys::FileStatus& status, sys::Object object);

  void work(Step& step, unsigned worker);
  Result<> push(Step step, std::size_t weight = kStepWeight);
  Result<> pop();
  Result<> drain();
  void fail_entry(Error error) { observer_.problem(path_, error, true); }

  const ExportOptions& options_;
  Writer& writer_;
  Observer& observer_;
  const Chunker chunker_;
  ExportCounters counters_;
  std::string path_;  // of the entry under way, below the root
  std::vector<Level> levels_;
  std::unordered_map<FileKey, Linked> links_;
  std::shared_ptr<Slab> slab_;
  std::size_t slab_used_ = 0;
  std::int64_t begun_s_ = 0;
  DeviceId root_device_;
  std::optional<Item> before_;  // of the previous snapshot: the next entry that has not been passed
  bool before_is_over_ = false;
  bool broken_ = false;  // nothing can be written any more
  std::vector<Packer> packers_;
  Pipeline<Step> pipeline_;  // last: its threads end first
};

// ---- The pipeline

void Exporter::work(Step& step, unsigned worker) {
  step.id = digest::hash(step.bytes);
  if (writer_.ids().find(step.id)) return;
  auto packed = packers_[worker].pack(step.bytes);
  if (packed) {
    step.packed = std::move(*packed);
  } else {
    step.error = std::move(packed).error();
  }
}

Result<> Exporter::push(Step step, std::size_t weight) {
  const bool needs_work = step.what == Step::What::chunk;
  weight += step.entry.weight();
  pipeline_.push(std::move(step), weight, needs_work);
  while (pipeline_.weight() > kMostUnderWay) {
    auto popped = pop();
    if (!popped) broken_ = true;
    FOX_TRY(std::move(popped));
  }
  return {};
}

Result<> Exporter::pop() {
  Step step = pipeline_.pop();
  if (step.error) return tl::make_unexpected(std::move(*step.error));
  switch (step.what) {
    case Step::What::begin: return writer_.begin(std::move(step.entry));
    case Step::What::chunk: return writer_.chunk(step.bytes, step.id, step.packed);
    case Step::What::refer: return writer_.refer_to(step.run);
    case Step::What::end: return writer_.end();
    case Step::What::take_back: return writer_.take_back();
  }
  return {};
}

Result<> Exporter::drain() {
  while (!pipeline_.empty()) FOX_TRY(pop());
  return {};
}

// ---- The walk

Result<ExportCounters> Exporter::run(sys::FdView root) {
  begun_s_ = options_.now_s != 0 ? options_.now_s : sys::wall_clock().tv_sec;
  FOX_TRY(root_entry(root));
  while (!levels_.empty()) {
    if (sys::stop_requested()) return fail(ECANCELED, "export");
    Level& level = levels_.back();
    if (level.next == level.names.size()) {
      levels_.pop_back();
      continue;
    }
    const Name name = std::move(level.names[level.next++]);
    path_.resize(level.path_length);
    if (!path_.empty()) path_ += '/';
    path_ += name.name;
    FOX_TRY(visit(level, name));
  }
  FOX_TRY(drain());
  return counters_;
}

Result<> Exporter::root_entry(sys::FdView root) {
  sys::UniqueFd fd = FOX_TRY(sys::open_at(root, ".", {.directory = true, .keep_atime = true}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(fd));
  root_device_ = status.device();
  auto entry = entry_of(status, {fd});
  if (!entry) return fail(EIO, "listxattr", options_.root_shown, "the attributes of the root cannot be read");
  FOX_TRY(push({.what = Step::What::begin, .entry = std::move(*entry)}));
  FOX_TRY(push({.what = Step::What::end}));
  return enter(std::move(fd), status);
}

/// `path_` is the directory's.
Result<> Exporter::enter(sys::UniqueFd fd, const sys::FileStatus& status) {
  Level level{.fd = std::move(fd), .device = status.device(), .path_length = path_.size()};
  if (!options_.rules.empty()) {
    auto scope = levels_.empty() ? filter::Scope::begin(options_.rules, options_.root_shown)
                                 : Result<std::shared_ptr<const filter::Scope>>(levels_.back().scope);
    if (scope && options_.rules.reads_directories()) scope = filter::Scope::enter(*scope, level.fd, path_);
    if (!scope) {
      fail_entry(std::move(scope).error());
      return {};
    }
    level.scope = std::move(*scope);
  }
  auto names = names_of(level.fd);
  if (!names) {
    fail_entry(std::move(names).error());
    return {};
  }
  level.names = std::move(*names);
  levels_.push_back(std::move(level));
  return {};
}

Result<std::vector<Name>> Exporter::names_of(sys::FdView directory) const {
  std::vector<Name> names;
  sys::DirectoryReader reader(64 * 1024);
  while (FOX_TRY(reader.fill(directory))) {
    while (const auto entry = reader.next()) names.push_back({std::string(entry->name, entry->length), entry->type});
  }
  std::ranges::sort(names, {}, &Name::name);
  // A directory that is changed while it is read may give a name twice.
  const auto [end, last] = std::ranges::unique(names, {}, &Name::name);
  names.erase(end, last);
  return names;
}

bool Exporter::is_left_out(const Level& level, const Name& name) const {
  if (is_own_name(name.name)) return true;
  if (name.name.starts_with(".tmp.") && copy::TempNames::maker_of(name.name)) {
    observer_.problem(path_, left_out("is a temporary file of an fxcp run; fxcp --cleanup removes those of dead runs"), false);
    return true;
  }
  if (!level.scope) return false;
  const std::string_view directory = std::string_view(path_).substr(0, level.path_length);
  return level.scope->judge(directory, name.name, name.type == sys::FileType::directory).hidden;
}

Result<> Exporter::visit(Level& level, const Name& found) {
  Name name = found;
  if (name.type == sys::FileType::unknown) {
    const auto status = sys::status_at(level.fd, name.name);
    if (!status) {
      fail_entry(status.error());
      return {};
    }
    name.type = status->type();
  }
  if (path_.size() > kMostPath) {
    fail_entry(left_out("its path is longer than an archive allows (1 MiB)"));
    return {};
  }
  if (is_left_out(level, name)) return {};
  switch (name.type) {
    case sys::FileType::directory: return visit_directory(level, name);
    case sys::FileType::regular: return visit_regular(level, name);
    default: return visit_other(level, name);
  }
}

/// What is kept of an object; nothing where its attributes cannot be read or do not fit, which is said.
std::optional<Entry> Exporter::entry_of(const sys::FileStatus& status, sys::Object object) {
  Entry entry;
  entry.type = status.type();
  entry.path = path_;
  entry.mode = status.permissions();
  entry.owner = status.owner();
  entry.group = status.group();
  entry.modified = status.modified();
  // A file that may be changed without a later ctime must not count as unchanged next time.
  if (status.type() == sys::FileType::regular && status.device() == root_device_ &&
      status.changed().tv_sec < begun_s_ - kYoung_s) {
    entry.changed = status.changed();
    entry.inode = status.inode().value;
  }
  entry.leads_links = status.type() != sys::FileType::directory && status.links() > 1;
  entry.size = status.type() == sys::FileType::regular ? status.size().value : 0;
  if (sys::is_device(status.type())) {
    entry.major = ::major(status.special_device());
    entry.minor = ::minor(status.special_device());
  }
  auto attributes = meta::read_attributes(object);
  if (!attributes) {
    Error error = std::move(attributes).error();
    if (!error.subject.empty()) error.detail = "of attribute " + std::exchange(error.subject, {});
    fail_entry(std::move(error));
    return std::nullopt;
  }
  entry.attributes = std::move(*attributes);
  std::size_t bytes = 0;
  for (const auto& [name, value] : entry.attributes) bytes += name.size() + value.size();
  if (bytes > kMostAttributes) {
    fail_entry(left_out("has more extended attributes than an archive allows (1 MiB)"));
    return std::nullopt;
  }
  return entry;
}

Result<> Exporter::visit_directory(Level& level, const Name& name) {
  if (levels_.size() >= kMostLevels) {
    fail_entry(left_out(
        fmt::format("lies deeper than an archive allows ({} directories); it is left out with all that is in it", kMostLevels)));
    return {};
  }
  auto fd = sys::open_at(level.fd, name.name, {.directory = true, .keep_atime = true});
  auto status = fd ? sys::status_of(*fd) : Result<sys::FileStatus>(tl::make_unexpected(fd.error()));
  if (!status) {
    fail_entry(std::move(status).error());
    return {};
  }
  auto entry = entry_of(*status, {*fd});
  if (!entry) return {};
  FOX_TRY(push({.what = Step::What::begin, .entry = std::move(*entry)}));
  FOX_TRY(push({.what = Step::What::end}));
  observer_.done(path_);
  if (options_.one_filesystem && status->device() != level.device) return {};
  return enter(std::move(*fd), *status);
}

/// True where it is another name of a file that has been met.
Result<bool> Exporter::taken_as_link(const sys::FileStatus& status) {
  if (status.links() < 2) return false;
  const auto first = links_.find(status.key());
  if (first == links_.end()) return false;
  // The inode may have gone to another file since, or have been changed: then it is not what was read under the first name.
  if (!first->second.is(status)) {
    links_.erase(first);
    return false;
  }
  Entry entry;
  entry.hard_link = true;
  entry.path = path_;
  entry.text = first->second.path;
  if (--first->second.to_come == 0) links_.erase(first);
  FOX_TRY(push({.what = Step::What::begin, .entry = std::move(entry)}));
  FOX_TRY(push({.what = Step::What::end}));
  observer_.done(path_);
  return true;
}

Result<> Exporter::visit_other(Level& level, const Name& name) {
  auto fd = sys::open_at(level.fd, name.name, {.access = sys::Access::path});
  auto status = fd ? sys::status_of(*fd) : Result<sys::FileStatus>(tl::make_unexpected(fd.error()));
  if (!status) {
    fail_entry(std::move(status).error());
    return {};
  }
  if (status->type() != name.type) {
    fail_entry(left_out("has become another kind of file while the tree was read"));
    return {};
  }
  if (FOX_TRY(taken_as_link(*status))) return {};
  auto entry = entry_of(*status, {*fd, sys::Handle::path});
  if (!entry) return {};
  if (status->type() == sys::FileType::symlink) {
    auto text = sys::read_link_at(*fd, "");
    if (!text) {
      fail_entry(std::move(text).error());
      return {};
    }
    entry->text = std::move(*text);
  }
  if (entry->leads_links) links_[status->key()] = Linked(path_, *status);
  FOX_TRY(push({.what = Step::What::begin, .entry = std::move(*entry)}));
  FOX_TRY(push({.what = Step::What::end}));
  observer_.done(path_);
  return {};
}

// ---- Regular files

Result<> Exporter::visit_regular(Level& level, const Name& name) {
  auto fd = sys::open_at(level.fd, name.name, {.keep_atime = true});
  if (!fd) {
    fail_entry(std::move(fd).error());
    return {};
  }
  for (int attempt = 1;; ++attempt) {
    auto status = sys::status_of(*fd);
    if (!status) {
      fail_entry(std::move(status).error());
      return {};
    }
    if (status->type() != sys::FileType::regular) {
      fail_entry(left_out("has become another kind of file while the tree was read"));
      return {};
    }
    if (std::ranges::find(options_.leave_out, status->key()) != options_.leave_out.end()) return {};
    if (attempt == 1 && FOX_TRY(taken_as_link(*status))) return {};
    auto entry = entry_of(*status, {*fd});
    if (!entry) return {};
    if (FOX_TRY(taken_from_before(*entry, *status))) break;
    FOX_TRY(push({.what = Step::What::begin, .entry = std::move(*entry)}));
    auto read = read_content(*fd, *status);
    if (!read) {
      if (broken_ || sys::stop_requested()) return tl::make_unexpected(std::move(read).error());
      FOX_TRY(push({.what = Step::What::take_back}));
      fail_entry(std::move(read).error());
      return {};
    }
    const auto after = sys::status_of(*fd);
    if (*read && after && sys::same_version(*status, *after)) {
      FOX_TRY(push({.what = Step::What::end}));
      if (status->links() > 1) links_[status->key()] = Linked(path_, *status);
      break;
    }
    FOX_TRY(push({.what = Step::What::take_back}));
    if (attempt == kTries) {
      fail_entry(left_out("changed each time it was read"));
      return {};
    }
  }
  observer_.done(path_);
  return {};
}

/// All of a file's data goes on its way.  False where it ends too early: somebody has changed it.
Result<bool> Exporter::read_content(sys::FdView file, const sys::FileStatus& status) {
  const FileOffset end(status.size().value);
  if (end == FileOffset(0)) return true;
  // Asked of every file: what was reserved and not written counts as allocated, and is a hole.  EINVAL: this filesystem tells of none.
  const auto first = sys::seek_data(file, FileOffset(0));
  if (!first && first.error().code != EINVAL && first.error().code != EOPNOTSUPP) return tl::make_unexpected(first.error());
  copy::DataRanges ranges(file, {FileOffset(0), end}, first.has_value());
  FileOffset at;
  while (const auto range = FOX_TRY(ranges.next())) {
    if (range->begin > at) FOX_TRY(push({.what = Step::What::refer, .run = Run::hole((range->begin - at).value)}));
    if (!FOX_TRY(read_range(file, *range))) return false;
    at = range->end;
  }
  if (at < end) FOX_TRY(push({.what = Step::What::refer, .run = Run::hole((end - at).value)}));
  return true;
}

Result<bool> Exporter::read_range(sys::FdView file, ByteRange range) {
  const std::size_t most = options_.chunks.most;
  FileOffset at = range.begin;  // of what has been read and not been cut
  std::size_t have = 0;
  std::size_t start = slab_used_;  // where that lies in the slab
  while (at < range.end) {
    while (have < most && at + Bytes(have) < range.end) {
      const std::uint64_t left = (range.end - at).value - have;
      const std::size_t room = slab_ ? slab_->size - start - have : 0;
      if (room < std::min<std::uint64_t>(left, kWorthSharing)) {
        auto next = std::make_shared<Slab>(std::max(kSlab, 2 * most));
        if (have > 0) std::copy_n(slab_->data.get() + start, have, next->data.get());
        slab_ = std::move(next);
        start = 0;
        continue;
      }
      const std::size_t wanted = std::min<std::uint64_t>(left, room);
      const std::size_t got = FOX_TRY(sys::read_some_at(file, {slab_->data.get() + start + have, wanted}, at + Bytes(have)));
      if (got == 0) {
        slab_used_ = start + have;
        return false;
      }
      have += got;
      counters_.bytes_read += got;
    }
    const std::span<const std::byte> there(slab_->data.get() + start, have);
    const std::size_t size = chunker_.next(there);
    FOX_TRY(push({.what = Step::What::chunk, .slab = slab_, .bytes = there.first(size)}, size + kStepWeight));
    if (sys::stop_requested()) return fail(ECANCELED, "export");
    start += size;
    have -= size;
    at = at + Bytes(size);
    slab_used_ = start;
  }
  return true;
}

/// True where the previous snapshot has this very file, unchanged: its content is referred to.
Result<bool> Exporter::taken_from_before(Entry& entry, const sys::FileStatus& status) {
  if (options_.previous == nullptr || entry.inode == 0 || options_.previous_device != root_device_.value) return false;
  while (!before_is_over_ && (!before_ || compare_paths(before_->entry.path, path_) < 0)) {
    before_.reset();
    auto next = options_.previous->next_entry();
    if (!next) {
      if (next.error().code != EBADMSG) return tl::make_unexpected(std::move(next).error());
      Error error = std::move(next).error();
      before_is_over_ = !FOX_TRY(options_.previous->pass_damage());
      error.detail += "; files that may not have changed since are read again";
      observer_.problem("the snapshot before", error, false);
      continue;
    }
    if (!*next) before_is_over_ = true;
    before_ = std::move(*next);
  }
  if (!before_ || before_->entry.path != path_) return false;
  const Entry& old = before_->entry;
  const bool same = !old.hard_link && old.type == sys::FileType::regular && old.inode == entry.inode && old.size == entry.size &&
                    sys::same_time(old.changed, entry.changed) && sys::same_time(old.modified, entry.modified);
  if (!same) return false;
  const std::vector<Run> content = before_->content;
  FOX_TRY(push({.what = Step::What::begin, .entry = std::move(entry)}));
  for (const Run& run : content) FOX_TRY(push({.what = Step::What::refer, .run = run}));
  FOX_TRY(push({.what = Step::What::end}));
  if (status.links() > 1) links_[status.key()] = Linked(path_, status);
  ++counters_.unchanged;
  return true;
}

}  // namespace

Result<ExportCounters> export_tree(sys::FdView root, const ExportOptions& options, Writer& writer, Observer& observer) {
  return Exporter(options, writer, observer).run(root);
}

}  // namespace foxing::archive
