// SPDX-License-Identifier: GPL-2.0-or-later
// The copier: makes a target equal to what is walked.  The door of this folder; docs/life-of-a-file.md walks through it.
//
//   from  walk::Walk   enter, visit, leave, on several workers        to  the target, and an Observer
//
// How.   enter() makes the target's directory, visit() offers an entry to what its type needs (regular_file.cc, special.cc), leave() sets the
//        directory's own metadata when everything in it is done.  Directories this run makes are closed to others until then.
// Holds. Everything is relative to open directories.  What was scanned is compared with what is opened; what changes while it is read is read
//        again and then reported.  Every failure reaches the Observer exactly once; one failed entry never stops another.
//        Only a full target stops the run.
// Reading order: outcome.h, planner.h, copier.h, then regular_file.cc, content.h, stream.h, target.h.
// Not here: walking, choosing what is copied, options, words for people.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/copy/as_of.h"
#include "core/copy/changes.h"
#include "core/copy/content.h"
#include "core/copy/deleting.h"
#include "core/copy/delta.h"
#include "core/copy/durable.h"
#include "core/copy/empty_directories.h"
#include "core/copy/hard_links.h"
#include "core/copy/links.h"
#include "core/copy/outcome.h"
#include "core/copy/packing.h"
#include "core/copy/pairs.h"
#include "core/copy/partial.h"
#include "core/copy/planner.h"
#include "core/copy/pruning.h"
#include "core/copy/quick_check.h"
#include "core/copy/reference.h"
#include "core/copy/renames.h"
#include "core/copy/seen.h"
#include "core/copy/sides.h"
#include "core/copy/source_removal.h"
#include "core/copy/staging.h"
#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "core/meta/compare.h"
#include "core/meta/meta.h"
#include "core/signature/store.h"
#include "core/walk/walk.h"

namespace foxing::copy {

struct Options {
  meta::Policy keep;
  bool hard_links = false;
  bool names_may_repeat = false;  // an entry may be visited more than once: a list in windows
  bool symlinks = false;  // as links; else they are left out
  bool devices = false;
  bool specials = false;  // fifos and sockets
  bool device_contents = false;  // --copy-devices: what block devices hold, as files
  bool recursive = true;
  bool one_filesystem = false;
  bool keep_dirlinks = false;  // a symbolic link to a directory in the target serves as that directory
  bool implied_dirs = true;  // directories on the way get attributes; else the target's stay, be they links to directories
  bool safe_links = false;  // links that lead out of the tree are left out
  LinkText link_text = LinkText::as_it_is;
  bool link_sources = false;  // --link: entries become further names of the source's own
  bool attributes_only = false;  // no data is copied
  const EmptyDirectories* empty = nullptr;  // --prune-empty-dirs: are not made; outlives the copier
  bool dry_run = false;
  bool atomic = true;
  bool durable = false;
  bool stops_when_full = true;  // a full target ends the run; else only the entry fails
  std::size_t most_waiting_commits = 1024;  // with `durable`: one descriptor each
  Choices choices;
  Packing packing;  // --compress, --decompress
  Comparison compare;
  struct {
    bool whole_file = false;  // no delta
    bool in_place = false;  // --inplace: the target's file itself is changed
    Bytes smallest = 1_MiB;  // smaller files are copied whole
  } delta;
  PartialPlace partial;  // --partial
  struct {
    sys::FdView fd{-1};  // outlives the copier
    DeviceId device;
  } temp_directory;  // --temp-dir
  bool append_verify = false;
  bool sign = false;  // --generate-sigs: every regular file of the target gets a signature
  digest::Digest decisive;  // of all options that decide what the target is to be
  bool notes = true;  // notes on directories (as_of.h) are believed, and left
  Pruning pruning;
  Renames* renames = nullptr;  // --detect-renames; outlives the copier
  const References* references = nullptr;  // --link-dest and its like; outlive the copier
  governor::Governor* governor = nullptr;  // paces the run; outlives the copier
  std::string target_name;  // how messages call the target directory
};

/// The hash of one leaf, of whatever size the signature has; for Delta::hash.
LeafHash hash_of_large_leaf(std::span<const std::byte> bytes);

/// Several workers on one large file: shared by its pieces.
class LargeFile;

class Copier final : public walk::Visitor {
 public:
  Copier(Options options, Observer& observer, unsigned workers);
  ~Copier() override;

  /// To be called before the walk: where large files are split to, and the target below which hard links are made.
  /// `root` is the directory that relative paths start from; invalid in a dry run.
  void connect(walk::Walk& walk, sys::UniqueFd root);
  /// Another walk of the same run, after the one before or before the next.
  void connect(walk::Walk& walk) { walk_ = &walk; }

  /// `during`: deletes what the source has not, directory by directory, as they are left.  `clearing`: empties directories that are in the way.
  /// `keeper`: keeps what gives way.  Each may be null; they outlive this.
  void clear_away_with(Deleter* during, Clearing* clearing, Keeper* keeper) {
    deleter_ = during;
    clearing_ = clearing;
    keeper_ = keeper;
  }

  /// What is whole in the target is told to `removal`, and finish() then has everything on disk.  May be null; outlives this.
  void remove_sources_with(SourceRemoval* removal) { removal_ = removal; }

  /// For others that make temporary names in the same run: two counters would make the same names.
  TempNames& temp_names() { return temp_names_; }

  /// The target directory for a root of the walk, or for a place: what lies in `fd`.  To be handed to the walk with it.
  Result<std::unique_ptr<TargetDirectory>> adopt(sys::UniqueFd fd, sys::FdView source, DeviceId source_device, bool fresh);
  // For who has no walk (one_by_one.h).
  /// Which names were met, as links of one file, is forgotten.
  void begin_anew();
  /// The copy of a detached directory in that of its parent: made where it is missing.  Never null.
  Result<std::unique_ptr<TargetDirectory>> place(walk::Directory& directory, TargetDirectory& parent);
  /// Attributes and times of a detached directory, as its status says.
  void dress_detached(walk::Directory& directory) { dress(directory, target_of(directory)); }

  /// When the walk has nothing left: commits what waits for a flush.
  void quiet(walk::WorkerIndex worker) { commits_.flush(worker); }
  /// After the walk: the last flush of --fsync.
  Result<> finish();

  /// When nothing has failed: stores what the next run may prune by (pruning.h).
  Result<> store_hashes() { return root_ ? hashes_.flush(root_) : Result<>(); }

  bool no_space() const { return no_space_.load(); }
  const signature::Store& signatures() const { return signatures_; }
  /// Sums over all workers.
  void add_counters_to(Counters& sum) const;

  // walk::Visitor
  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override;
  void leave(walk::Directory& directory) override;
  void unreadable(walk::Directory& directory, std::string_view name, Error error) override;
  void vanished(walk::Directory& directory, std::string_view name) override;
  void own_name(walk::Directory& directory, std::string_view name) override;
  void resumed(walk::Directory& directory) override;
  void close_descriptors(walk::Directory& directory) override;
  Result<> reopen_descriptors(walk::Directory& directory, walk::Directory* child) override;

 private:
  friend class LargeFile;
  struct alignas(64) Worker {
    Workbench bench;
    Counters counters;
  };
  /// A source file, open and looked at.
  struct Opened {
    sys::UniqueFd fd;
    sys::FileStatus status;
    bool leads_link_group = false;  // this run entered it in hard_links_ and owes an answer; the link count may change meanwhile
    Changes changes = Changes::creation();
    std::optional<sys::FileStatus> existing = {};  // of the regular file that the target has under this name
  };

  /// A regular file that is whole and only lacks its name.
  struct Finished {
    StagedFile staged;
    Moved moved;
    meta::Losses losses;
    std::string_view why;  // the planner's reason
    bool settled = true;  // false: the source was being written to while its times stood still
    std::optional<signature::Content> content = {};  // to be signed with
  };

  // --remove-source-files (resuming.cc)
  /// `name` is in the target; `whole`: and nothing of it was lost.
  void note_placed(const walk::Directory& directory, std::string_view name, const sys::FileStatus& status, bool whole);
  /// A size and a time are not enough to remove a source by.
  bool looks_at_bytes() const {
    return removal_ != nullptr && !(options_.compare.trust_times && options_.compare.by == Comparison::By::quick);
  }
  bool flushes_at_end() const { return options_.durable || removal_ != nullptr; }

  // directories (copier.cc)
  Descend enter_dry(walk::Directory& directory, walk::WorkerIndex worker);
  /// In a dry run: what the target has in the directory's place, where that is a directory.
  Result<std::unique_ptr<TargetDirectory>> look_up_directory(walk::Directory& directory, TargetDirectory& parent);
  /// Something that is no directory has its name in the target.
  bool would_give_way(walk::Directory& directory);
  void entered(walk::Directory& directory, const Changes& changes, walk::WorkerIndex worker);
  Result<std::unique_ptr<TargetDirectory>> make_directory(walk::Directory& directory, TargetDirectory& parent);
  Result<std::unique_ptr<TargetDirectory>> replace_by_directory(walk::Directory& directory, TargetDirectory& parent,
                                                                const std::string& name);
  Result<> open_up(TargetDirectory& target);
  void delete_extras(walk::Directory& directory);
  /// A link to a directory in the target may stand for this one.
  bool keeps_links_to_directories(const walk::Directory& directory) const;
  /// Owner, mode, attributes and times of the directory itself.
  void dress(walk::Directory& directory, TargetDirectory& target);
  Result<meta::Losses> dress_new(const walk::Directory& directory, TargetDirectory& target);
  /// Sets what differs and nothing else.
  Result<meta::Losses> bring_up_to_date(const walk::Directory& directory, TargetDirectory& target);
  /// Removes what dead runs have left, and counts what is there.
  void take_stock(walk::Directory& directory, TargetDirectory& target, walk::WorkerIndex worker);

  /// Temporary files of other runs are neither copied nor replaced; true where `name` is one, and that is said.
  bool is_somebodys_temporary(walk::Directory& directory, std::string_view name);

  // what the target has already (existing.cc)
  enum class Standing { to_copy, settled };
  enum class Sameness { at_a_glance, after_a_look, differs };
  /// The target's directory, where it was there before this run; else null.
  static TargetDirectory* existing_target(walk::Directory& directory);
  /// Compares an entry with what existing_target() has under its name, and settles what needs no copy.  `leads` as in Opened; `changes` says what differs.
  /// What the comparison has found, for the copy that follows.
  struct Compared {
    Changes changes = Changes::creation();
    std::optional<sys::FileStatus> existing = {};  // as in Opened
  };
  Standing standing_of(const walk::Hold& directory, const std::string& name, sys::Links links, const sys::FileStatus& status,
                       bool leads, Compared& compared, walk::WorkerIndex worker);
  /// Counts and tells it, and links the names that wait.
  Standing equal_already(Sides& sides, bool leads, walk::WorkerIndex worker);
  Standing skipped(bool leads, const sys::FileStatus& status, walk::WorkerIndex worker);
  /// `found`: what of `changes` is attributes.
  Standing update(Sides& sides, bool looked, bool leads, const Changes& changes, const meta::Differences& found,
                  walk::WorkerIndex worker);
  Result<Sameness> same_object(Sides& sides, Changes& changes, walk::WorkerIndex worker);
  Result<bool> data_is_same(Sides& sides, walk::WorkerIndex worker);
  Result<meta::Differences> attribute_differences(Sides& sides) const;
  Result<meta::Losses> update_attributes(Sides& sides, const meta::Differences& found);
  bool may_be_of_another(const Sides& sides) const;
  static bool may_be_half_changed(Sides& sides);
  static constexpr Bytes kSmallestMarked = 64_KiB;  // smaller files are never changed in place, whatever --delta-min-size says
  bool must_be_another_inode(const sys::FileStatus& status, const sys::FileStatus& existing, bool would_be_changed);
  void note_as_seen(Sides& sides) const;
  bool was_looked_at(Sides& sides) const;
  static FileEvent event_of(const walk::Directory& directory, std::string_view name, FileEvent::Action action,
                            sys::FileType type);
  void tell(const walk::Directory& directory, std::string_view name, FileEvent::Action action, const sys::FileStatus& status,
            const Changes& changes);

  // directories that need no look (signing.cc)
  /// True where the target has all of it, by its hash; that has been counted.
  bool pruned(walk::Directory& directory, TargetDirectory& target, walk::WorkerIndex worker);
  void store_hash(walk::Directory& directory, TargetDirectory& target);
  static void spoil(const walk::Directory& directory);

  // directories that were compared (existing.cc)
  AsOf as_of(const walk::Directory& directory, const TargetDirectory& target) const;
  void read_note(walk::Directory& directory, TargetDirectory& target);
  void leave_note(const walk::Directory& directory, TargetDirectory& target);
  /// True where the note says that the pair is equal, with all attributes.
  bool is_noted(const Sides& sides) const;

  // signatures (signing.cc)
  /// What the target's signature says of data that the quick check leaves in doubt; nothing where there is none that holds.
  std::optional<Data> told_by_signature(Sides& sides, walk::WorkerIndex worker);
  /// --generate-sigs: true where the quick check's `same` must not do: there is a signature, and it does not hold, or is of another file of the source.
  bool was_touched(Sides& sides);
  /// What has been copied to `copy`, where that is to be signed; nothing where sizes mean nothing.  ESTALE: it ended before its size.  May read the copy,
  /// so it comes before the times are set.
  Result<std::optional<signature::Content>> content_to_sign(const Opened& source, sys::FdView copy, const Pair& pair,
                                                            walk::WorkerIndex worker);
  bool vouches_for(const sys::FileStatus& source) const;
  signature::SourceState signed_for(const sys::FileStatus& source) const;
  void sign(TargetDirectory& target, const std::string& target_name, sys::FdView file, const signature::Content& content,
            const sys::FileStatus& source, bool fresh);
  /// A file that is equal already and has no signature.
  void sign_existing(TargetDirectory& target, const std::string& target_name, const sys::FileStatus& source,
                     const sys::FileStatus& existing, walk::WorkerIndex worker);
  /// What the file's signature says; nothing where none is wanted, or none holds.
  std::optional<signature::FileSignature> signature_of(sys::FdView file);
  /// `source`: its present version; null: still the one that is signed for.
  void renew(sys::FdView file, const std::optional<signature::FileSignature>& before, const sys::FileStatus* source);

  // regular files (regular_file.cc)
  void visit_regular(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  std::optional<Opened> open_regular(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  void has_become(walk::Directory& directory, std::string_view name, sys::FileType type);
  /// `reading`: the how manieth this is; only the first one may be shared among workers.
  void copy_regular(const walk::Hold& directory, const std::string& name, sys::Links links, Opened source,
                    walk::WorkerIndex worker, int reading = 1);
  bool split(const walk::Hold& directory, const std::string& name, sys::Links links, Opened& source, const Plan& plan,
             walk::WorkerIndex worker);
  Result<Plan> plan_for(const Opened& source, const Pair& pair) const;
  /// What a directory of the target gives to new entries beside what this run sets.
  Result<TargetDirectory::Gives> gives(sys::Object directory, const sys::FileStatus& status) const;
  static Result<> preallocate(const StagedFile& staged, const sys::FileStatus& status, const Plan& plan, const Pair& pair);
  Result<StagedFile> stage(TargetDirectory& target, std::string name, const sys::FileStatus& status, walk::WorkerIndex worker);
  Result<meta::Losses> dress(TargetDirectory& target, const Opened& source, StagedFile& staged);
  /// Content and metadata of one reading, not yet under its name.
  Result<Finished> read_once(TargetDirectory& target, std::string name, const Opened& source, walk::WorkerIndex worker);
  void commit(const walk::Hold& directory, const std::string& name, Opened source, Finished finished, walk::WorkerIndex worker);
  /// True where --max-size or --min-size leaves it out; that has been counted.
  bool left_out_by_size(const walk::Hold& directory, const std::string& name, const sys::FileStatus& status,
                        walk::WorkerIndex worker);
  void regular_done(walk::Directory& directory, const std::string& name, const sys::FileStatus& status, const Changes& changes,
                    const Moved& moved, std::string_view why, walk::WorkerIndex worker);
  void regular_failed(const walk::Hold& directory, const std::string& name, const Opened& source, Error error,
                      walk::WorkerIndex worker);

  // compressed or decompressed on the way (packing.cc)
  /// What the entry is called in the target.
  std::string name_in_target(const walk::Directory& directory, const std::string& name, sys::FileType type) const;
  std::string name_in_target(const walk::Directory& directory, const std::string& name, const Opened& source) const;
  bool is_packed(const Opened& source) const;
  /// True where another entry of the source goes before, by name; that has been reported.
  bool name_is_taken(walk::Directory& directory, const walk::Entry& entry);
  Result<Finished> read_packed(TargetDirectory& target, std::string name, const Opened& source, const Transformation& how,
                               bool hot, walk::WorkerIndex worker);
  Result<bool> is_equal_unpacked(const Transformation& how, sys::FdView source, Bytes source_size, sys::FdView copy,
                                 Bytes copy_size, walk::WorkerIndex worker);
  /// Nothing where the file is copied as it is.
  Result<std::optional<Sameness>> packed_sameness(Sides& sides, Changes& changes, walk::WorkerIndex worker);

  // what an earlier copy has unchanged (reference.cc)
  /// True where the file has been taken from there, or left out because it is there.
  bool taken_from_reference(const walk::Hold& directory, const std::string& name, const Opened& source, walk::WorkerIndex worker);
  bool left_to_reference(const walk::Directory& directory, const std::string& name, const Opened& source,
                         walk::WorkerIndex worker);
  bool shared_with_reference(const walk::Hold& directory, const std::string& name, const Opened& source, sys::FdView reference,
                             walk::WorkerIndex worker);
  bool named_as_reference(const walk::Hold& directory, const std::string& name, const Opened& source,
                          const References::Found& found, walk::WorkerIndex worker);

  // what the target has under another name (renames.cc)
  /// True where the file's data has been taken from there.
  bool taken_by_rename(const walk::Hold& directory, const std::string& name, const Opened& source, walk::WorkerIndex worker);
  bool taken_from_orphan(const walk::Hold& directory, const std::string& name, const Opened& source,
                         const Renames::Orphan& orphan, walk::WorkerIndex worker);
  bool moved_from_orphan(const walk::Hold& directory, const std::string& name, const Opened& source,
                         const Renames::Orphan& orphan, sys::FdView old, const sys::FileStatus& status, walk::WorkerIndex worker);
  Result<> remove_moved_orphans();
  static bool source_lacks(const Renames::Orphan& orphan);
  bool cloned_from_orphan(const walk::Hold& directory, const std::string& name, const Opened& source, sys::FdView old,
                          walk::WorkerIndex worker);
  void renamed(const walk::Hold& directory, const std::string& name, const Opened& source, const Renames::Orphan& orphan,
               walk::WorkerIndex worker);

  // large files that the target has in another version (replacing.cc)
  bool worth_a_delta(const Opened& source) const;
  /// Fills `staged` from a changed clone of the old version; nothing where that cannot be done, and `staged` is empty.
  Result<std::optional<Moved>> change_a_clone(TargetDirectory& target, const std::string& name, const Opened& source,
                                              const Plan& plan, const StagedFile& staged, walk::WorkerIndex worker);
  /// --inplace.  False where it cannot be done, and nothing was; else the file is done, or its failure reported.
  bool changed_in_place(const walk::Hold& directory, const std::string& name, Opened& source, walk::WorkerIndex worker);
  /// The data of `target` is right: attributes, marks and notes.  `marked`: clear_dirty() is owed.
  void finish_in_place(const walk::Hold& directory, const std::string& name, const Opened& source, sys::FdView target,
                       const DeltaMoved& moved, bool marked, std::string_view why, walk::WorkerIndex worker);
  /// By the signature of the old version, where one holds: what need not be read of it.
  std::vector<LeafHash> known_leaves(TargetDirectory& target, const std::string& name, sys::FdView old,
                                     const sys::FileStatus& status, Bytes& leaf_size);
  Moved count_delta(const Opened& source, const DeltaMoved& moved, walk::WorkerIndex worker);
  static Error changed_error();
  static constexpr int kMostReadings = 3;

  // what an earlier run, or an earlier version, has of a file (resuming.cc)
  /// As stage(); with --partial a file that is kept, and may have something of an earlier run.
  Result<StagedFile> stage_or_resume(TargetDirectory& target, std::string name, const sys::FileStatus& status,
                                     walk::WorkerIndex worker);
  /// Where `target`'s files lie until they are whole, if not in it: --temp-dir.
  sys::FdView apart_for(const TargetDirectory& target) const;
  Result<meta::Current> current_of(TargetDirectory& target, const StagedFile& staged);
  /// Nothing where there is nothing to go on with; then `staged` is empty.
  Result<std::optional<Moved>> go_on_with_partial(const Opened& source, const Plan& plan, const StagedFile& staged,
                                                  const Pair& pair, walk::WorkerIndex worker);
  void sweep_partials_of(walk::Directory& directory, const TargetDirectory& target);
  /// --append-verify.  As changed_in_place.
  bool appended_in_place(const walk::Hold& directory, const std::string& name, Opened& source, walk::WorkerIndex worker);

  // block devices as files (device_content.cc)
  void copy_device(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  Result<Opened> open_device(const walk::Hold& directory, const walk::Entry& entry, Bytes& size);
  Result<meta::Losses> dress_device_copy(TargetDirectory& target, const Opened& source, sys::FdView copy);

  // everything else (special.cc)
  void visit_symlink(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  void visit_special(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  static bool is_named(const walk::Directory& directory);
  void visit_object(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  void copy_object(const walk::Hold& directory, const std::string& name, Opened source, walk::WorkerIndex worker);
  Result<meta::Losses> make_copy(TargetDirectory& target, const std::string& name, Opened source);
  /// Makes an object by `make(name)`, dresses it, puts it in place.
  Result<meta::Losses> make_object(TargetDirectory& target, const std::string& name, const Opened& source,
                                   const std::function<Result<>(const std::string&)>& make);
  Result<meta::Losses> dress_object(TargetDirectory& target, const std::string& name, const Opened& source);

  // links that lead out of the tree (links.cc)
  /// True where the entry is such a link and stays where it is; that has been reported.
  bool left_out_as_unsafe(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);

  // --link (linking.cc)
  void visit_to_link(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);

  // --attributes-only (attributes_only.cc)
  void give_attributes(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  void make_empty(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker);
  /// True where the target has something of another type under the name: it stays, and that has been reported.
  bool keeps_another(const walk::Hold& directory, const std::string& name, sys::FileType type);

  // hard links (special.cc)
  /// True where another name of this file has been or is being copied, and this one is taken care of.
  bool taken_as_link(const walk::Hold& directory, const walk::Entry& entry, const sys::FileStatus& status,
                     walk::WorkerIndex worker);
  /// `inode`: whose inode the name now has; in a dry run that may be one that nobody has made.
  enum class Inode { of_the_target, would_be_new };
  void link_group_done(walk::Directory& directory, const std::string& name, const sys::FileStatus& source,
                       walk::WorkerIndex worker, Inode inode = Inode::of_the_target);
  /// The copy of a group's first name failed with `code`: where that was its place's fault the next name is copied by a task, else all that wait fail with it.
  void link_group_failed(const FileKey& key, int code, walk::WorkerIndex worker);
  /// An option says that what has this name, or nothing, is to stay so.
  bool left_alone(const HardLinks::Name& name, walk::WorkerIndex worker);
  /// Links `name`, or copies it where the target refuses links (and says so).
  void make_link(const HardLinks::Name& name, const HardLinks::Place& place, const FileKey& key, walk::WorkerIndex worker);
  /// Copies one name of the file `key`; `leads` as in Opened.  False where it could not even be begun; that has been reported.
  bool copy_name(const HardLinks::Name& name, bool leads, const FileKey& key, walk::WorkerIndex worker);
  enum class Linked { now, before };
  /// Gives the open file `file`, which is `key`, the name `name`.
  Result<Linked> link_file(TargetDirectory& target, const std::string& name, sys::FdView file, const FileKey& key);
  Result<Linked> link_to(TargetDirectory& target, const std::string& name, const HardLinks::Place& place);
  /// What link_to would do.
  static Result<Linked> would_link(TargetDirectory* target, const std::string& name, const HardLinks::Place& place);
  bool may_be_linked(const sys::FileStatus& status) const { return options_.hard_links && status.links() > 1; }

  // what the observer hears (copier.cc)
  void report(ProblemKind kind, bool failure, Error error);
  void report(const walk::Directory& directory, std::string_view name, ProblemKind kind, Error error, bool failure = true);
  void report(const walk::Directory& directory, std::string_view name, const meta::Losses& losses);
  void fail_entry(const walk::Directory& directory, std::string_view name, Error error);
  /// How messages call the copy of `name` (or of the directory itself).
  std::string target_path(const walk::Directory& directory, std::string_view name) const;

  static TargetDirectory& target_of(walk::Directory& directory) { return static_cast<TargetDirectory&>(*directory.attachment()); }
  Worker& at(walk::WorkerIndex worker) { return workers_[worker]; }

  const Options options_;
  const timespec begin_;
  Observer& observer_;
  walk::Walk* walk_ = nullptr;
  sys::UniqueFd root_;
  std::vector<FileKey> target_roots_;  // never walked into as a source
  Pairs pairs_;
  TempNames temp_names_;
  HardLinks hard_links_;
  DurableCommits commits_;
  Deleter* deleter_ = nullptr;
  Clearing* clearing_ = nullptr;
  Keeper* keeper_ = nullptr;
  SourceRemoval* removal_ = nullptr;
  StagingDirectories staging_;
  std::mutex moved_orphans_mutex_;
  std::vector<Renames::Orphan> moved_orphans_;
  signature::Store signatures_;
  DirectoryHashes hashes_{options_.pruning, signatures_, temp_names_};
  std::vector<Worker> workers_;
  std::atomic<bool> no_space_{false};
};

}  // namespace foxing::copy
