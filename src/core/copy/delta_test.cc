// SPDX-License-Identifier: GPL-2.0-or-later
// Delta on real filesystems: what $TMPDIR lies on, /dev/shm, and a loop-mounted XFS for the clones.
//
// The judge is a fresh copy by copy_content: the result must have its size, its bytes and its holes.  What may be written at most
// is computed from
// the drawing of both files, not from the code under test.
#include "core/copy/delta.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include <functional>
#include <optional>
#include <random>
#include <thread>

#include "core/copy/test_run.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

using ::testing::HasSubstr;
using testing::random_bytes;
using testing::TempTree;

constexpr std::uint64_t kBlock = kDeltaBlock.value;

// ---- Places

/// XFS in a file, mounted in a namespace of this process: it goes away with the process, however that ends.
class LoopXfs {
 public:
  static const LoopXfs& get() {
    static const LoopXfs one;
    return one;
  }
  const std::string& path() const { return path_; }  // empty where there is none
  const std::string& missing() const { return missing_; }  // and why

 private:
  LoopXfs() { missing_ = mount(); }
  std::string mount() {
    if (!testing::is_root()) return "mounting needs root";
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return "no mount namespace of its own";
    world_.sparse_file("image", 400 << 20);
    world_.dir("xfs");
    const std::string make = "mkfs.xfs -q " + world_.at("image") + " >/dev/null 2>&1 && mount -o loop " + world_.at("image") +
                             " " + world_.at("xfs") + " 2>/dev/null";
    if (std::system(make.c_str()) != 0) return "mkfs.xfs or mount -o loop does not work here";
    path_ = world_.at("xfs");
    return {};
  }
  ~LoopXfs() {
    if (!path_.empty()) ::umount2(path_.c_str(), MNT_DETACH);
  }
  TempTree world_;
  std::string path_;
  std::string missing_;
};

enum class Place { here, memory, xfs };

/// A TempTree somewhere else than in $TMPDIR.
std::unique_ptr<TempTree> tree_in(const std::string& folder) {
  const char* const was = std::getenv("TMPDIR");
  const std::optional<std::string> kept = was != nullptr ? std::optional<std::string>(was) : std::nullopt;
  ::setenv("TMPDIR", folder.c_str(), 1);
  auto tree = std::make_unique<TempTree>();
  kept ? ::setenv("TMPDIR", kept->c_str(), 1) : ::unsetenv("TMPDIR");
  return tree;
}

// ---- Drawings of files

/// A file: its bytes, and which of its blocks are holes.  A hole's bytes are zero.
struct Drawing {
  std::string bytes;
  std::vector<bool> hole;

  std::uint64_t blocks() const { return (bytes.size() + kBlock - 1) / kBlock; }
  void fit() { hole.resize(blocks(), false); }
  bool is_hole(std::uint64_t block) const { return block >= blocks() || hole[block]; }
  std::string_view block(std::uint64_t index) const {
    return index < blocks() ? std::string_view(bytes).substr(index * kBlock, kBlock) : std::string_view();
  }
  void keep_zeros() {
    for (std::uint64_t i = 0; i < blocks(); ++i)
      if (hole[i]) std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * kBlock), block(i).size(), '\0');
  }
  void write(const TempTree& world, std::string_view name) const {
    world.remove(name);  // with its attributes
    world.file(name, "");
    // Its size first: XFS fills what it has set aside behind an end that grows, and SEEK_DATA finds it.
    EXPECT_EQ(::truncate(world.at(name).c_str(), static_cast<off_t>(bytes.size())), 0);
    for (std::uint64_t i = 0; i < blocks();) {
      std::uint64_t end = i + 1;
      while (end < blocks() && !hole[i] && !hole[end]) ++end;
      if (!hole[i]) world.overwrite(name, i * kBlock, std::string_view(bytes).substr(i * kBlock, (end - i) * kBlock));
      i = end;
    }
    const int fd = ::open(world.at(name).c_str(), O_WRONLY | O_CLOEXEC);
    ::fsync(fd);  // so that the filesystem has made up its mind about extents
    ::close(fd);
  }
  bool is_zero(std::uint64_t index) const { return block(index).find_first_not_of('\0') == std::string_view::npos; }
  /// Whether a copy has data there.
  bool is_kept(std::uint64_t index, Holes holes) const {
    return !(asks_source(holes) && is_hole(index)) && !(scans_zeros(holes) && is_zero(index));
  }
  /// As TempTree::extents tells them of a copy.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> extents(Holes holes) const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
    for (std::uint64_t i = 0; i < blocks(); ++i) {
      if (!is_kept(i, holes)) continue;
      const std::uint64_t end = i * kBlock + block(i).size();
      if (!found.empty() && found.back().second == i * kBlock) {
        found.back().second = end;
      } else {
        found.emplace_back(i * kBlock, end);
      }
    }
    return found;
  }
};

using Random = std::mt19937_64;
std::uint64_t below(Random& random, std::uint64_t limit) { return limit == 0 ? 0 : random() % limit; }

void mutate(Drawing& drawing, Random& random) {
  const std::uint64_t size = drawing.bytes.size();
  const std::uint64_t at = below(random, size + 1);
  const std::uint64_t length = std::min(below(random, below(random, 2) == 0 ? 5000 : 300'000), size - at);
  const std::uint64_t first = at / kBlock;
  const std::uint64_t last = std::min((at + length) / kBlock + 1, drawing.blocks());
  const auto fill = [&](bool hole) {
    std::fill(drawing.hole.begin() + static_cast<long>(first), drawing.hole.begin() + static_cast<long>(last), hole);
  };
  switch (below(random, 8)) {
    case 0:  // other bytes
      if (first >= last) break;
      fill(false);
      drawing.bytes.replace(at, length, random_bytes(length, random()));
      break;
    case 1:  // one other byte
      if (at >= size) break;
      drawing.hole[first] = false;
      drawing.bytes[at] = static_cast<char>(drawing.bytes[at] + 1);
      break;
    case 2:  // everything behind moves; the holes stay where they are
      drawing.bytes.insert(at, random_bytes(length, random()));
      break;
    case 3: drawing.bytes += random_bytes(below(random, 200'000), random()); break;
    case 4: drawing.bytes.resize(at); break;
    case 5:  // a hole
      if (first < last) fill(true);
      break;
    case 6:  // zeros that are data
      if (first >= last) break;
      fill(false);
      drawing.bytes.replace(at, length, std::string(length, '\0'));
      break;
    case 7: {  // a hole at the end
      drawing.bytes.resize(size + below(random, 200'000), '\0');
      const std::uint64_t old_blocks = drawing.blocks() - (drawing.bytes.size() - size) / kBlock;
      drawing.hole.resize(drawing.blocks(), false);
      for (std::uint64_t i = old_blocks + 1; i < drawing.blocks(); ++i) drawing.hole[i] = true;
      break;
    }
  }
  drawing.fit();
  drawing.keep_zeros();
}

Drawing draw(Random& random) {
  Drawing drawing;
  drawing.bytes = random_bytes(1 + below(random, below(random, 4) == 0 ? 9000 : 1'500'000), random());
  drawing.fit();
  for (std::uint64_t i = below(random, 3); i > 0; --i) mutate(drawing, random);
  return drawing;
}

/// The most that may be written: blocks of 4 KiB that differ, or are data in the source and a hole in the old version.
std::uint64_t most_written(const Drawing& source, const Drawing& old, Holes holes) {
  std::uint64_t most = 0;
  for (std::uint64_t i = 0; i < source.blocks(); ++i) {
    if (!source.is_kept(i, holes)) continue;
    if (source.block(i) != old.block(i) || old.is_hole(i)) most += source.block(i).size();
  }
  return most;
}

// ---- Leaves: any hash will do

LeafHash hash_of(std::span<const std::byte> bytes) {
  std::uint64_t a = 0xcbf29ce484222325ULL + bytes.size();
  std::uint64_t b = a * 31;
  for (const std::byte byte : bytes) {
    a = (a ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3ULL;
    b = (b + a) * 0x9E3779B97F4A7C15ULL;
  }
  LeafHash hash;
  std::memcpy(hash.data(), &a, 8);
  std::memcpy(hash.data() + 8, &b, 8);
  return hash;
}

std::vector<LeafHash> leaves_of(const std::string& bytes, std::uint64_t size) {
  std::vector<LeafHash> leaves;
  for (std::uint64_t at = 0; at < bytes.size(); at += size)
    leaves.push_back(hash_of(std::as_bytes(std::span(bytes).subspan(at, std::min(size, bytes.size() - at)))));
  return leaves;
}

sys::UniqueFd opened(const TempTree& world, std::string_view name, sys::Access access = sys::Access::read) {
  auto fd = sys::open_at(sys::working_directory(), world.at(name), {.access = access});
  EXPECT_TRUE(fd) << name;
  return fd ? std::move(*fd) : sys::UniqueFd();
}

/// `source` and `old` of a TempTree, opened for one way; `result` is what comes of it.
struct Pairing {
  Pairing(const TempTree& world, DeltaWay way)
      : source(opened(world, "source")), old(opened(world, "old")), result(way == DeltaWay::clone ? "staged" : "old") {
    world.remove("staged");
    into = way == DeltaWay::clone ? std::move(*sys::create_at(sys::working_directory(), world.at("staged"), 0600))
                                  : opened(world, "old", sys::Access::read_write);
    delta.emplace(Delta{.source = source,
                        .old = old,
                        .into = into,
                        .source_status = *sys::status_of(source),
                        .old_status = *sys::status_of(old),
                        .way = way,
                        .leaves = {},
                        .hash = {}});
  }
  sys::UniqueFd source, old, into;
  std::string result;
  std::optional<Delta> delta;
};

class DeltaIn : public ::testing::TestWithParam<Place> {
 protected:
  void SetUp() override {
    switch (GetParam()) {
      case Place::here: world_ = std::make_unique<TempTree>(); break;
      case Place::memory:
        if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no /dev/shm";
        world_ = tree_in("/dev/shm");
        break;
      case Place::xfs:
        if (LoopXfs::get().path().empty()) GTEST_SKIP() << "no XFS: " << LoopXfs::get().missing();
        world_ = tree_in(LoopXfs::get().path());
        break;
    }
  }
  bool shares_blocks() { return GetParam() == Place::xfs; }
  void expect_as_fresh(const std::string& result, const Drawing& drawing, Holes holes) {
    world_->remove("fresh");
    const sys::UniqueFd from = opened(*world_, "source");
    const sys::UniqueFd to = std::move(*sys::create_at(sys::working_directory(), world_->at("fresh"), 0600));
    Plan plan;
    plan.add(Tier::plain, "test");
    plan.holes = holes;
    ASSERT_TRUE(copy_content(bench_, plan, from, *sys::status_of(from), to, pair_, Attempts::forget));
    // Settled and out of the page cache: over blocks that XFS has set aside for copy on write (128 KiB at once, given back later)
    // SEEK_DATA
    // takes zeros in the page cache for data.
    for (const char* name : {"fresh", result.c_str()}) {
      const sys::UniqueFd file = opened(*world_, name);
      ::fsync(file.get());
      ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
    EXPECT_EQ(world_->status(result).st_size, world_->status("fresh").st_size);
    EXPECT_EQ(world_->extents(result), drawing.extents(holes));
    // XFS may have filled holes of the fresh copy, whose end has grown.
    if (GetParam() != Place::xfs) {
      EXPECT_EQ(world_->extents(result), world_->extents("fresh"));
    }
    EXPECT_TRUE(world_->read(result) == world_->read("fresh")) << "the bytes differ";
  }

  std::unique_ptr<TempTree> world_;
  Workbench bench_;
  Pair pair_;
};

INSTANTIATE_TEST_SUITE_P(Places, DeltaIn, ::testing::Values(Place::here, Place::memory, Place::xfs), [](const auto& place) {
  return std::string(std::array{"Here", "Memory", "Xfs"}[static_cast<std::size_t>(place.param)]);
});

/// Where blocks are shared.
class DeltaClone : public DeltaIn {};
INSTANTIATE_TEST_SUITE_P(Places, DeltaClone, ::testing::Values(Place::xfs));

/// All pieces of `size`, dealt out to two workers in turn, in a random order.
Result<DeltaMoved> in_pieces(const Delta& delta, Bytes size, Random& random) {
  std::vector<ByteRange> pieces;
  const std::uint64_t end = delta.source_status.size().value;
  for (std::uint64_t at = 0; at < end; at += size.value)
    pieces.push_back({FileOffset(at), FileOffset(std::min(at + size.value, end))});
  std::ranges::shuffle(pieces, random);
  Result<DeltaMoved> moved[2] = {DeltaMoved{}, DeltaMoved{}};
  {
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < 2; ++worker) {
      workers.emplace_back([&, worker] {
        Workbench own;
        for (std::size_t i = worker; i < pieces.size() && moved[worker]; i += 2) {
          auto piece = delta_piece(own, delta, pieces[i]);
          if (piece) *moved[worker] += *piece;
          if (!piece) moved[worker] = std::move(piece);
        }
      });
    }
  }
  if (moved[0] && moved[1]) *moved[0] += *moved[1];
  return moved[1] ? std::move(moved[0]) : std::move(moved[1]);
}

TEST_P(DeltaIn, EndsAsAFreshCopyWouldWhateverHasChanged) {
  const std::uint64_t base = std::random_device{}();
  for (std::uint64_t seed = base; seed < base + 80; ++seed) {
    Random random(seed);
    Drawing old = draw(random);
    Drawing source = old;
    for (std::uint64_t i = below(random, 6); i > 0; --i) mutate(source, random);
    if (below(random, 12) == 0) source = draw(random);
    old.write(*world_, "old");
    source.write(*world_, "source");

    const Holes holes = std::array{Holes::none, Holes::as_source, Holes::scan_zeros, Holes::both}[below(random, 4)];
    const DeltaWay way = shares_blocks() && below(random, 2) == 0 ? DeltaWay::clone : DeltaWay::in_place;
    Pairing pairing(*world_, way);
    Delta& delta = *pairing.delta;
    delta.holes = holes;
    delta.old_tells_holes = below(random, 5) != 0;
    delta.verify_after = below(random, 3) == 0;
    const std::uint64_t leaf = std::array{0, 4096, 65536, 98304, 131072, 262144}[below(random, 6)];
    std::vector<LeafHash> leaves;
    if (leaf != 0) {
      leaves = leaves_of(old.bytes, leaf);
      if (below(random, 4) == 0) leaves.resize(leaves.size() / 2);
      delta.leaves = {Bytes(leaf), leaves};
      delta.hash = hash_of;
    }
    const Bytes piece = below(random, 2) == 0 ? Bytes(0) : Bytes((1 + below(random, 8)) * kDeltaAlignment.value);
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", " << name_of(way) << ", holes " << static_cast<int>(holes)
                                      << ", leaf " << leaf << ", piece " << piece.value << ", old " << old.bytes.size()
                                      << ", source " << source.bytes.size() << ", old tells " << delta.old_tells_holes);
    DeltaMoved moved;
    if (piece == Bytes(0)) {
      const auto done = delta_whole(bench_, delta);
      ASSERT_TRUE(done) << done.error().message();
      ASSERT_TRUE(done->begun.ready) << errno_name(done->begun.declined);
      EXPECT_EQ(done->end, DeltaEnd::done);
      moved = done->moved;
    } else {
      const auto begun = begin_delta(delta);
      ASSERT_TRUE(begun && begun->ready);
      auto all = in_pieces(delta, piece, random);
      ASSERT_TRUE(all) << all.error().message();
      const auto end = end_delta(bench_, delta);
      ASSERT_TRUE(end);
      EXPECT_EQ(*end, DeltaEnd::done);
      moved = *all;
    }
    if (way == DeltaWay::in_place) {
      EXPECT_TRUE(is_marked_dirty({pairing.into}));
      EXPECT_EQ(world_->status("old").st_mtime, 0);
      EXPECT_TRUE(clear_dirty({pairing.into}, false));
      EXPECT_FALSE(is_marked_dirty({pairing.into}));
    } else {
      EXPECT_TRUE(world_->read("old") == old.bytes) << "the old version was touched";
    }
    EXPECT_EQ(moved.zeros, Bytes(0));
    EXPECT_LE(moved.written.value, most_written(source, old, holes));
    // Where the old version's holes are not believed, zeros over them are equal to them: holes stay that a fresh copy would fill.
    if (delta.old_tells_holes) expect_as_fresh(pairing.result, source, holes);
    EXPECT_TRUE(world_->read(pairing.result) == source.bytes);
    if (HasFailure()) return;
  }
}

TEST_P(DeltaIn, WithoutPunchingZerosAreWrittenWhereTheOldDataIsNot) {
  FOXING_NEEDS_FAULTS();
  Drawing old{random_bytes(40 * kBlock, 1), {}};
  old.fit();
  old.bytes.replace(10 * kBlock, 2 * kBlock, std::string(2 * kBlock, '\0'));
  Drawing source = old;
  std::fill(source.hole.begin() + 8, source.hole.begin() + 20, true);
  std::fill(source.hole.begin() + 30, source.hole.end(), true);
  source.keep_zeros();
  old.write(*world_, "old");
  source.write(*world_, "source");
  Pairing pairing(*world_, DeltaWay::in_place);
  pairing.delta->holes = Holes::as_source;
  const sys::FaultPlan faults("punch_hole:1+:EOPNOTSUPP");
  const auto done = delta_whole(bench_, *pairing.delta);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->moved.zeros, Bytes(20 * kBlock));
  EXPECT_EQ(done->moved.written, done->moved.zeros);
  EXPECT_EQ(done->moved.punched, Bytes(0));
  EXPECT_TRUE(world_->read("old") == source.bytes);
}

TEST_P(DeltaIn, ReadsOnlyTheSourceWhereLeavesAreEqual) {
  Drawing old{random_bytes(1 << 20, 3), {}};
  Drawing source = old;
  old.fit();
  source.fit();
  source.bytes[700'000] = static_cast<char>(source.bytes[700'000] + 1);
  old.write(*world_, "old");
  source.write(*world_, "source");
  const auto leaves = leaves_of(old.bytes, 65536);
  Pairing pairing(*world_, DeltaWay::in_place);
  pairing.delta->leaves = {64_KiB, leaves};
  pairing.delta->hash = hash_of;
  const auto done = delta_whole(bench_, *pairing.delta);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->moved.read, 1_MiB + 64_KiB);
  EXPECT_EQ(done->moved.written, kDeltaBlock);
  EXPECT_EQ(done->moved.blocks_skipped, 255u);
  EXPECT_EQ(done->moved.examined, 1_MiB);
  EXPECT_TRUE(world_->read("old") == source.bytes);
}

TEST_P(DeltaIn, LeavesOfAnotherVersionAreSeenOnlyByVerifying) {
  Drawing old{random_bytes(300'000, 4), {}};
  old.fit();
  Drawing source{random_bytes(300'000, 5), {}};
  source.fit();
  old.write(*world_, "old");
  source.write(*world_, "source");
  const auto forged = leaves_of(source.bytes, 65536);
  Pairing pairing(*world_, DeltaWay::in_place);
  pairing.delta->leaves = {64_KiB, forged};
  pairing.delta->hash = hash_of;
  pairing.delta->verify_after = true;
  const auto done = delta_whole(bench_, *pairing.delta);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end, DeltaEnd::differs);
  pairing.delta->leaves = {};  // what the caller does then
  const auto again = delta_whole(bench_, *pairing.delta);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->end, DeltaEnd::done);
  EXPECT_TRUE(world_->read("old") == source.bytes);
}

TEST_P(DeltaIn, AHugeHoleOnBothSidesCostsNothing) {
  world_->sparse_file("old", 1ULL << 40, {{1ULL << 39, "old"}});
  world_->sparse_file("source", (1ULL << 40) + 1, {{1ULL << 39, "new"}, {1ULL << 36, "more"}});
  Pairing pairing(*world_, DeltaWay::in_place);
  pairing.delta->holes = Holes::as_source;
  const auto done = delta_whole(bench_, *pairing.delta);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_LT(done->moved.read, 1_MiB);
  EXPECT_EQ(world_->extents("old"), world_->extents("source"));
  EXPECT_EQ(world_->status("old").st_size, world_->status("source").st_size);
}

/// Every call of a delta fails once: the error is told, the mark stays, and the next run ends well.
TEST_P(DeltaIn, IsRepairedByTheNextRunWhicheverCallFails) {
  FOXING_NEEDS_FAULTS();
  Random random(6);
  Drawing old{random_bytes(700'001, 6), {}};
  old.fit();
  Drawing source = old;
  for (const std::uint64_t at : {5'000, 140'000, 400'000, 690'000}) source.bytes[at] = static_cast<char>(source.bytes[at] + 1);
  std::fill(source.hole.begin() + 50, source.hole.begin() + 70, true);
  source.bytes.resize(650'000);
  source.fit();
  source.keep_zeros();
  source.write(*world_, "source");
  for (const DeltaWay way : {DeltaWay::in_place, DeltaWay::clone}) {
    if (way == DeltaWay::clone && !shares_blocks()) continue;
    for (const char* call : {"pread", "pwrite", "punch_hole", "ftruncate", "setxattr", "ficlone", "lseek", "fsync", "fstat"}) {
      int failures = 0;
      for (int n = 1; n < 100; ++n) {
        SCOPED_TRACE(std::string(name_of(way)) + ' ' + call + ' ' + std::to_string(n));
        old.write(*world_, "old");
        bool failed = false;
        {
          Pairing pairing(*world_, way);
          pairing.delta->holes = Holes::as_source;
          pairing.delta->durable = true;
          const sys::FaultPlan faults(std::string(call) + ':' + std::to_string(n) + ":ENOSPC");
          const auto done = delta_whole(bench_, *pairing.delta);
          failed = !done;
          if (failed) {
            EXPECT_EQ(done.error().code, ENOSPC);
            const bool before_anything = std::string_view(call) == "setxattr";
            if (way == DeltaWay::in_place) {
              EXPECT_EQ(is_marked_dirty({pairing.into}), !before_anything);
              if (!before_anything && std::string_view(call) != "ftruncate") {
                EXPECT_EQ(world_->status("old").st_mtime, 0) << "would be taken for newer";
              }
            }
          }
        }
        if (way == DeltaWay::clone) {
          EXPECT_TRUE(world_->read("old") == old.bytes);
        }
        if (!failed) break;
        ++failures;
        Pairing again(*world_, way);
        again.delta->holes = Holes::as_source;
        const auto done = delta_whole(bench_, *again.delta);
        ASSERT_TRUE(done);
        EXPECT_EQ(done->end, DeltaEnd::done);
        expect_as_fresh(again.result, source, Holes::as_source);
      }
      const bool used = way == DeltaWay::clone ? std::string_view("setxattr fsync").find(call) == std::string_view::npos
                                               : std::string_view("ficlone fstat").find(call) == std::string_view::npos;
      EXPECT_EQ(failures > 0, used) << call << " in " << name_of(way);
      EXPECT_LT(failures, 99);
    }
  }
}

TEST_P(DeltaIn, ShortTransfersAndInterruptionsAreFinished) {
  FOXING_NEEDS_FAULTS();
  Drawing old{random_bytes(500'001, 7), {}};
  old.fit();
  Drawing source{random_bytes(600'003, 8), {}};
  source.fit();
  source.bytes.replace(0, 300'000, old.bytes, 0, 300'000);
  old.write(*world_, "old");
  source.write(*world_, "source");
  Pairing pairing(*world_, DeltaWay::in_place);
  const sys::FaultPlan faults("pread:*2:short,pwrite:*2:short,pread:*5:EINTR,pwrite:*3:EINTR,setxattr:1:EINTR,ftruncate:1:EINTR");
  ASSERT_TRUE(delta_whole(bench_, *pairing.delta));
  EXPECT_TRUE(world_->read("old") == source.bytes);
}

TEST_P(DeltaIn, DeclinesWhereCloningIsRefused) {
  Drawing old{random_bytes(10'000, 9), {}};
  old.fit();
  old.write(*world_, "old");
  old.write(*world_, "source");
  if (!shares_blocks()) {
    Pairing pairing(*world_, DeltaWay::clone);
    const auto done = delta_whole(bench_, *pairing.delta);
    ASSERT_TRUE(done);
    if (done->begun.ready) GTEST_SKIP() << "the filesystem of " << world_->path() << " shares blocks";
    EXPECT_NE(done->begun.declined, 0);
  }
  FOXING_NEEDS_FAULTS();
  for (const char* code : {"EOPNOTSUPP", "EXDEV", "EINVAL", "ETXTBSY", "EPERM", "ENOTTY"}) {
    Pairing pairing(*world_, DeltaWay::clone);
    const sys::FaultPlan faults(std::string("ficlone:1:") + code);
    const auto done = delta_whole(bench_, *pairing.delta);
    ASSERT_TRUE(done);
    EXPECT_FALSE(done->begun.ready);
    EXPECT_EQ(errno_name(done->begun.declined), code);
    EXPECT_EQ(world_->status("staged").st_size, 0);
  }
}

TEST_P(DeltaClone, AnOldVersionThatChangesMeanwhileIsNoticed) {
  Drawing old{random_bytes(10'000, 10), {}};
  old.fit();
  old.write(*world_, "old");
  old.write(*world_, "source");
  Pairing pairing(*world_, DeltaWay::clone);
  ASSERT_TRUE(begin_delta(*pairing.delta)->ready);
  world_->overwrite("old", 5000, "x");
  ASSERT_TRUE(delta_piece(bench_, *pairing.delta, {FileOffset(0), FileOffset(10'000)}));
  EXPECT_EQ(*end_delta(bench_, *pairing.delta), DeltaEnd::old_changed);
}

// ---- One filesystem is enough for the rest

class DeltaTest : public ::testing::Test {
 protected:
  void pair(const std::string& source, const std::string& old) {
    world_.file("source", source);
    world_.file("old", old);
  }
  TempTree world_;
  Workbench bench_;
};

TEST_F(DeltaTest, TheMarkIsThereBeforeTheFirstWriteAndNamesTheSource) {
  FOXING_NEEDS_FAULTS();
  pair(random_bytes(5000, 1), random_bytes(5000, 2));
  Pairing pairing(world_, DeltaWay::in_place);
  if (!world_.set_xattr("old", "user.probe", "1")) GTEST_SKIP() << "no user attributes in " << world_.path();
  EXPECT_FALSE(is_marked_dirty({pairing.into}));
  const sys::FaultPlan faults("pwrite:1:EIO");
  const auto done = delta_whole(bench_, *pairing.delta);
  ASSERT_FALSE(done);
  EXPECT_TRUE(is_marked_dirty({pairing.into}));
  const auto status = world_.status("source");
  EXPECT_THAT(world_.xattr("old", kDirtyAttribute),
              HasSubstr("1 " + std::to_string(status.st_dev) + ' ' + std::to_string(status.st_ino) + " 5000 "));
}

TEST_F(DeltaTest, WithoutAttributesInPlaceIsOnlyForThoseWhoAsked) {
  FOXING_NEEDS_FAULTS();
  const std::string old = random_bytes(5000, 2);
  for (const char* code : {"EOPNOTSUPP", "EPERM"}) {
    pair(random_bytes(5000, 1), old);
    {
      Pairing pairing(world_, DeltaWay::in_place);
      const sys::FaultPlan faults(std::string("setxattr:1+:") + code);
      const auto done = delta_whole(bench_, *pairing.delta);
      ASSERT_TRUE(done);
      EXPECT_FALSE(done->begun.ready);
      EXPECT_EQ(errno_name(done->begun.declined), code);
      EXPECT_TRUE(world_.read("old") == old) << "declined, but it has written";
    }
    Pairing pairing(world_, DeltaWay::in_place);
    pairing.delta->mark = DirtyMark::where_possible;
    const sys::FaultPlan faults(std::string("setxattr:1+:") + code);
    const auto done = delta_whole(bench_, *pairing.delta);
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->begun.ready);
    EXPECT_FALSE(done->begun.marked);
    EXPECT_TRUE(world_.read("old") == world_.read("source"));
    EXPECT_EQ(world_.status("old").st_mtime, 0);
  }
}

TEST_F(DeltaTest, WhatCannotBeToldCountsAsDirty) {
  FOXING_NEEDS_FAULTS();
  world_.file("old", "text");
  const sys::UniqueFd old = opened(world_, "old");
  for (const char* code : {"EIO", "EACCES", "ERANGE"}) {
    const sys::FaultPlan faults(std::string("getxattr:1+:") + code);
    EXPECT_TRUE(is_marked_dirty({old})) << code;
  }
  for (const char* code : {"ENODATA", "EOPNOTSUPP", "ENOSYS"}) {
    const sys::FaultPlan faults(std::string("getxattr:1+:") + code);
    EXPECT_FALSE(is_marked_dirty({old})) << code;
  }
}

TEST_F(DeltaTest, ClearingIsDurableOnDemandAndKeepsTheMarkWhenTheFlushFails) {
  FOXING_NEEDS_FAULTS();
  pair("a", "b");
  Pairing pairing(world_, DeltaWay::in_place);
  ASSERT_TRUE(delta_whole(bench_, *pairing.delta)->begun.marked);
  {
    const sys::FaultPlan faults("fsync:1:EIO");
    EXPECT_FALSE(clear_dirty({pairing.into}, true));
  }
  EXPECT_TRUE(is_marked_dirty({pairing.into}));
  EXPECT_TRUE(clear_dirty({pairing.into}, true));
  EXPECT_FALSE(is_marked_dirty({pairing.into}));
  EXPECT_TRUE(clear_dirty({pairing.into}, true)) << "nothing to clear is no failure";
}

TEST_F(DeltaTest, APartialFileIsGoneOnWithAndNeedsNoMark) {
  const std::string whole = random_bytes(900'000, 3);
  pair(whole, whole.substr(0, 333'333));
  Pairing pairing(world_, DeltaWay::in_place);
  pairing.delta->mark = DirtyMark::none;
  const auto done = delta_whole(bench_, *pairing.delta);
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->begun.marked);
  EXPECT_FALSE(is_marked_dirty({pairing.into}));
  EXPECT_EQ(done->moved.written, Bytes(900'000 - 333'333));
  EXPECT_TRUE(world_.read("old") == whole);
}

TEST_F(DeltaTest, AStopEndsItAndLeavesTheMark) {
  pair(random_bytes(300'000, 3), random_bytes(300'000, 4));
  Pairing pairing(world_, DeltaWay::in_place);
  sys::request_stop();
  const auto done = delta_whole(bench_, *pairing.delta);
  const auto same = same_bytes(bench_, pairing.source, pairing.old, Bytes(300'000));
  sys::forget_stop_request();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ECANCELED);
  EXPECT_TRUE(is_marked_dirty({pairing.into}));
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, ECANCELED);
}

TEST_F(DeltaTest, ASourceThatEndsEarlyWritesNothingThatWasNotRead) {
  const std::string old = random_bytes(300'000, 3);
  pair(random_bytes(1000, 4), old);
  Pairing pairing(world_, DeltaWay::in_place);
  pairing.delta->source_status.raw.st_size = 300'000;
  ASSERT_TRUE(delta_piece(bench_, *pairing.delta, {FileOffset(0), FileOffset(300'000)}));
  EXPECT_TRUE(world_.read("old") == old);
}

TEST_F(DeltaTest, AnEmptySourceEmptiesTheFile) {
  pair("", "something");
  Pairing pairing(world_, DeltaWay::in_place);
  ASSERT_TRUE(delta_whole(bench_, *pairing.delta));
  EXPECT_EQ(world_.read("old"), "");
}

class AppendVerify : public DeltaTest {
 protected:
  Result<Appended> append(Holes holes = Holes::none) {
    const sys::UniqueFd source = opened(world_, "source");
    const sys::UniqueFd target = opened(world_, "old", sys::Access::read_write);
    return append_verify(bench_, source, *sys::status_of(source), target, *sys::status_of(target), holes, 4096);
  }
};

TEST_F(AppendVerify, AppendsToAPrefix) {
  const std::string whole = random_bytes(700'001, 3);
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{131'072}, std::size_t{500'000}, whole.size()}) {
    SCOPED_TRACE(length);
    pair(whole, whole.substr(0, length));
    const auto appended = append();
    ASSERT_TRUE(appended);
    EXPECT_TRUE(appended->done);
    EXPECT_EQ(appended->moved.written.value, whole.size() - length);
    EXPECT_TRUE(world_.read("old") == whole);
  }
}

TEST_F(AppendVerify, DeclinesAndTouchesNothingOtherwise) {
  const std::string whole = random_bytes(300'000, 3);
  std::string other = whole.substr(0, 200'000);
  other.back() = static_cast<char>(other.back() + 1);
  for (const std::string& old : {other, whole + "x", "x" + whole.substr(1)}) {
    pair(whole, old);
    const auto appended = append();
    ASSERT_TRUE(appended);
    EXPECT_FALSE(appended->done);
    EXPECT_TRUE(world_.read("old") == old);
  }
}

TEST_F(AppendVerify, KeepsHolesOfTheRestAndSeesDataBelowHoles) {
  world_.sparse_file("source", 1 << 20, {{0, "begin"}, {1 << 19, "middle"}});
  world_.sparse_file("old", 1 << 18, {{0, "begin"}});
  const auto appended = append(Holes::as_source);
  ASSERT_TRUE(appended && appended->done);
  EXPECT_EQ(world_.extents("old"), world_.extents("source"));
  EXPECT_TRUE(world_.read("old") == world_.read("source"));
  world_.sparse_file("old", 1 << 18, {{0, "begin"}, {1 << 17, "stray"}});
  EXPECT_FALSE(append(Holes::as_source)->done);
}

TEST_F(AppendVerify, AFailureLeavesAShorterPrefix) {
  FOXING_NEEDS_FAULTS();
  const std::string whole = random_bytes(900'000, 3);
  pair(whole, whole.substr(0, 100'000));
  {
    const sys::FaultPlan faults("pwrite:2:ENOSPC");
    const auto appended = append();
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, ENOSPC);
  }
  const std::string left = world_.read("old");
  EXPECT_LT(left.size(), whole.size());
  EXPECT_TRUE(whole.starts_with(left));
  EXPECT_TRUE(append()->done);
  EXPECT_TRUE(world_.read("old") == whole);
}

}  // namespace
}  // namespace foxing::copy
