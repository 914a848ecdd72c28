// SPDX-License-Identifier: GPL-2.0-or-later
// The verifier: reads two trees and says for every entry whether both have it, and have it the same.  The door of this folder.
//
//   from  walk::Walk over tree A, with tree B's directory attached to every directory        to  an Observer, and Counters
//
// Why.   "The copy is equal" should be something that is seen, not inferred: sizes, times and signatures are compared as attributes and never
//        stand for content.
// How.   enter() opens the directory of the same name in B; visit() looks at both sides of a name relative to the two descriptors; leave() lists B
//        for names that A has not.  While no name is extra that costs one listing and no lookup: the number of names and a sum over their hashes
//        agree with what was met.
// Holds. Nothing is written, atimes stay where the kernel lets them (O_NOATIME; those of symbolic links move).  No symbolic link is followed below the
//        roots, and nothing but regular files is opened for content.  Every entry is in exactly one class; below a directory that only one
//        side has nothing is listed.  An entry that changes while it is compared is compared again, three times in all, and is then `unreadable`.
//        Memory does not grow with the number of names, but for files with several links.
// Cost.  Reads both sides once, through the page cache: data that is in memory is not read from the disk again.
// Reading order: outcome.h, content.h, verifier.h, regular_file.cc.
// Not here: access times, birth and change times, chattr flags, labels of security modules, sizes of directories.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/meta/compare.h"
#include "core/storage/filesystem.h"
#include "core/verify/content.h"
#include "core/verify/hard_links.h"
#include "core/verify/outcome.h"
#include "core/walk/walk.h"

namespace foxing::verify {

enum class Content : std::uint8_t {
  bytes,  // every byte of both sides
  size,  // no data is read: equal sizes count as equal content
  extent,  // every byte, and the same map of data and holes
};

struct Options {
  meta::Policy keep;  // which attributes are compared, as apply() would have kept them; access times never are
  meta::ModifyWindow window;  // modification times this close count as equal
  bool hard_links = true;  // which names are one file
  bool symlinks = true;  // without these, entries of the type are passed over
  bool devices = true;
  bool specials = true;
  bool one_filesystem = false;  // what is mounted below A's roots is not looked into
  bool keep_dirlinks = false;  // a symbolic link to a directory in B serves as that directory
  bool extra_names = true;  // names that only B has count
  Content content = Content::bytes;
};

/// Every attribute, whoever asks: an ordinary user can see owners that only root may set.
meta::Policy all_attributes();

/// Two directories to compare, or one name in each.
struct Pair {
  sys::UniqueFd a;  // the directory; of a single name, the directory it lies in
  std::string a_shown;  // how messages call it
  sys::UniqueFd b;
  std::string b_shown;
  std::string a_name = {};  // empty: the directories themselves
  std::string b_name = {};
  sys::FileType a_type = sys::FileType::directory;  // of a single name
  sys::Links a_links = sys::Links::keep;  // follow: the name is a symbolic link, and means what it leads to
  sys::Links b_links = sys::Links::keep;
};

/// Compares all pairs on the workers that `how` asks for; hard links count across them.  Adds to `counters`.
/// Errors: of looking at what the pairs hold; nothing has been compared then.  Everything later goes to the observer.
Result<> verify(std::vector<Pair> pairs, const Options& options, const walk::Walk::Options& how, Observer& observer,
                Counters& counters);

class Verifier final : public walk::Visitor {
 public:
  Verifier(const Options& options, Observer& observer, unsigned workers);
  ~Verifier() override;

  /// To be called before the walk: where large files are split to.
  void connect(walk::Walk& walk) { walk_ = &walk; }
  /// What a root or a place of the walk is compared with; to be handed to the walk with it.  The names are those of Pair.
  Result<std::unique_ptr<walk::Attachment>> oppose(sys::FdView a, sys::UniqueFd b, std::string b_shown, std::string b_name = {},
                                                   sys::Links b_links = sys::Links::keep);
  void add_counters_to(Counters& sum) const;

  // walk::Visitor
  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override;
  void leave(walk::Directory& directory) override;
  void unreadable(walk::Directory& directory, std::string_view name, Error error) override;
  void vanished(walk::Directory& directory, std::string_view name) override;
  void own_name(walk::Directory&, std::string_view) override { counters_.left_out.fetch_add(1, std::memory_order_relaxed); }
  void close_descriptors(walk::Directory& directory) override;
  Result<> reopen_descriptors(walk::Directory& directory, walk::Directory* child) override;

 private:
  friend class SharedComparison;
  class Opposite;
  struct alignas(64) Worker {
    Bench bench;
    Counters counters;
  };
  /// One side of an entry, open and looked at.
  struct Opened {
    sys::UniqueFd fd;
    sys::FileStatus status;
  };
  /// A regular file of both sides on its way to its class.
  struct RegularPair {
    walk::Hold directory;
    std::string name;
    Opened a;
    Opened b;
    std::optional<Difference> link;
    Holes holes = Holes::read;
    bool sizes_lie = false;
    bool counts_as_linked = false;  // a table waits for what comes out

    Files files() const { return {a.fd, b.fd}; }
  };
  using Found = Answer<std::vector<Difference>>;

  // directories (verifier.cc)
  Result<std::unique_ptr<Opposite>> adopt(sys::FdView a, sys::UniqueFd b);
  /// Opens and attaches what B has in the place of `directory`; false where there is no such directory, and that has been told.
  bool attach_opposite(walk::Directory& directory, Opposite& above);
  Found compare_directory(walk::Directory& directory, Opposite& opposite);
  void settle_directory(walk::Directory& directory);
  Answer<void> look_for_extra_names(walk::Directory& directory, Opposite& opposite);
  Answer<void> look_up_names(walk::Directory& directory, Opposite& opposite, std::uint64_t& extra);

  // entries that are not regular files (verifier.cc)
  bool is_left_out(sys::FileType type) const;
  void compare_object(const walk::Hold& directory, const walk::Entry& entry);
  Found compare_object_once(const Opened& a, const Opened& b);
  Found attribute_differences(sys::Object a, const sys::FileStatus& a_status, sys::Object b,
                              const sys::FileStatus& b_status) const;
  std::optional<Difference> met_link(const walk::Directory& directory, std::string_view name, const sys::FileStatus& a,
                                     const sys::FileStatus& b, bool* known_same);

  // regular files (regular_file.cc)
  void visit_regular(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  void compare_regular(RegularPair pair, int reading, walk::WorkerIndex worker);
  Found compare_regular_once(const RegularPair& pair, walk::WorkerIndex worker);
  /// What is to be known beside the bytes: sizes, holes, attributes; to `found`.
  Answer<void> compare_around(const RegularPair& pair, std::vector<Difference>& found) const;
  bool split(RegularPair& pair, walk::WorkerIndex worker);
  void settle_regular(RegularPair& pair, Found found);

  // what the observer hears (verifier.cc)
  void tell(Event event);
  void tell(const walk::Directory& directory, std::string_view name, sys::FileType type, Found found);
  void tell_only_in_a(const walk::Directory& directory, std::string_view name, sys::FileType type);
  void tell_unreadable(const walk::Directory& directory, std::string_view name, sys::FileType type, Trouble trouble);
  std::string path_in_a(const walk::Directory& directory, std::string_view name) const;
  std::string path_in_b(const walk::Directory& directory, std::string_view name) const;

  static Opposite& opposite_of(const walk::Directory& directory);
  Worker& at(walk::WorkerIndex worker) { return workers_[worker]; }

  const Options options_;
  Observer& observer_;
  walk::Walk* walk_ = nullptr;
  HardLinks hard_links_;
  std::vector<Worker> workers_;
  Counters counters_;  // of classes, retries and notes: what is counted once an entry is shared, bytes are each worker's own
};

/// How often an entry is compared whose status moves under the comparison; then it is this error.
inline constexpr int kMostReadings = 3;
Error changed_error();

}  // namespace foxing::verify
