// SPDX-License-Identifier: GPL-2.0-or-later
// The restorer: entries of a snapshot become names in a directory.
//   from  importing.cc, in the order of the archive        to  a tree, through core/copy's staging and core/meta
//
// How.   A stack of open directories: an entry goes into the last one, and a directory gets its owner, mode and times when something follows that is not in it.
// Holds. Every call names one component relative to an open directory and follows nothing: nothing outside of the target is touched, whatever an archive says.
//        A file has its name when it is whole and dressed, and what had that name keeps it until then.  A failed entry leaves the others alone.
//        Device nodes are made only where that was asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/archive/entry.h"
#include "core/archive/exporter.h"
#include "core/copy/pairs.h"
#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "core/digest/digest.h"
#include "core/meta/meta.h"

namespace foxing::archive {

struct RestoreOptions {
  meta::Policy policy;
  bool devices = false;
  bool dress_root = true;  // the target gets owner, mode and times of the snapshot's root
  std::uint64_t most_bytes = ~std::uint64_t{0};  // content in all
};

struct RestoreCounters {
  std::uint64_t entries = 0;  // that are in place, hard links too
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // written
  std::uint64_t problems = 0;  // that fail the run
};

class Restorer {
 public:
  /// `target` is open; `shown` is how messages call it.  `observer` outlives this.
  static Result<std::unique_ptr<Restorer>> into(sys::UniqueFd target, std::string shown, RestoreOptions options,
                                                Observer& observer);

  // ---- Entries, in order.  Errors end everything: a full target, damage.  What is wrong with one entry is told to the observer.

  Result<> begin(const Entry& entry);
  /// True while there is a file that takes content; false: what comes until end() is dropped.
  bool takes_content() const { return file_.has_value(); }
  Result<> data(std::span<const std::byte> bytes);
  Result<> hole(std::uint64_t bytes);
  Result<> end();
  Result<> take_back();
  /// The content of the file under way cannot be had: it is dropped, and `why` is told.
  void give_up(Error why);
  /// A part of the archive cannot be read, `why`: the file under way is given up.  What comes next is `next` (empty: not known), and those of its directories that
  /// have not come are made, without what was kept of them, which is told.
  Result<> pass_gap(const std::optional<Error>& why, const std::string& next);
  /// Dresses the directories that are still open.
  Result<> finish();

  // ---- Several snapshots, one after the other

  /// From now on it is noted which names of a snapshot were there before.
  void watch_replaced() { watches_replaced_ = true; }
  /// All directories but the root are left: another snapshot may begin.
  Result<> leave_all() { return leave_until({}); }
  /// An entry that an earlier snapshot made goes.  Where its name was there before, it stays and that is told.
  Result<> remove(const Entry& entry);
  /// What is counted as being in place begins anew; names are not watched any more.
  void count_again();
  void count_in_place(const Entry& entry);

  const RestoreCounters& counters() const { return counters_; }

  // ---- What has been written, for archives that come through a pipe and refer to it

  struct Place {
    std::uint32_t file = kSpill;
    std::uint64_t offset = 0;
    static constexpr std::uint32_t kSpill = ~std::uint32_t{0};
  };
  /// Where the next data() goes.  Only while takes_content().
  Place here() const { return {file_->number, file_->at}; }
  /// Keeps bytes of the archive itself.
  Result<Place> set_aside(std::span<const std::byte> bytes);
  /// Keeps content that no file takes; it counts like that of files.
  Result<Place> spill(std::span<const std::byte> bytes);
  Result<> read_back(Place place, std::span<std::byte> into);

 private:
  struct Level {
    std::unique_ptr<copy::TargetDirectory> target;  // null: it could not be made, and nothing goes into it
    Entry entry;
    std::size_t path_length = 0;
    std::uint32_t number = 0;  // in directories_
    bool undressed = false;  // what it is to have is lost
  };
  struct File {
    Entry entry;
    copy::StagedFile staged;
    std::uint32_t number;
    std::uint64_t at = 0;
    std::uint64_t data_end = 0;  // behind it are holes
  };

  Restorer(std::string shown, RestoreOptions options, Observer& observer)
      : shown_(std::move(shown)), options_(std::move(options)), observer_(observer) {}

  Result<> begin_root(const Entry& entry);
  Result<> leave_until(std::string_view parent);
  void leave();
  Result<> settle(Result<> result, const std::string& path);
  Result<> make_directory(const Entry& entry, const std::string& name);
  Result<std::unique_ptr<copy::TargetDirectory>> open_directory(copy::TargetDirectory& parent, const std::string& name);
  Result<sys::UniqueFd> open_closed(sys::FdView parent, const std::string& name);
  Result<> begin_file(const Entry& entry, const std::string& name);
  Result<> commit_file();
  Result<> make_other(const Entry& entry, const std::string& name);
  Result<> make_object(const Entry& entry, const std::string& name, const std::function<Result<>(const std::string&)>& make);
  Result<meta::Losses> dress_object(const Entry& entry, const std::string& name);
  Result<> make_link(const Entry& entry, const std::string& name);
  Result<> remember(const Entry& entry, const std::string& name);
  void report(const std::string& path, const meta::Losses& losses);
  void fail_entry(const std::string& path, Error error);
  std::string path_of(std::uint32_t file) const;
  void keep(File& file);

  const std::string shown_;
  const RestoreOptions options_;
  Observer& observer_;
  copy::TempNames temp_names_;
  copy::Pairs pairs_;
  std::vector<Level> levels_;
  std::string path_;  // the deepest directory's; those of the others are beginnings of it
  std::size_t pending_weight_ = 0;  // of the entries of open directories
  std::optional<File> file_;
  bool inside_ = false;  // between begin() and end()
  bool made_ = false;  // what has begun is in place
  bool root_has_begun_ = false;
  std::map<digest::Digest, FileKey> links_;  // entries with more names, by their paths' digests: paths may be long, and many
  RestoreCounters counters_;
  bool watches_replaced_ = false;
  std::set<digest::Digest> replaced_;  // of paths whose names were there before

  struct Named {
    std::uint32_t directory;
    std::string name;
  };
  std::vector<Named> directories_;  // the root first, which is in itself
  std::vector<Named> files_;
  std::unordered_map<std::uint32_t, sys::UniqueFd> kept_;  // files that have no name, and whose content may be referred to
  sys::UniqueFd spill_;
  std::uint64_t spilled_ = 0;
  std::uint64_t spilled_content_ = 0;
  std::optional<std::pair<std::uint32_t, sys::UniqueFd>> last_read_;
};

}  // namespace foxing::archive
