// SPDX-License-Identifier: GPL-2.0-or-later
// Regular files: opened on both sides, read, and looked at again.
//
// How.   A large file is cut into pieces when other workers have nothing to do; the first difference that one of them finds bounds the others.
// Holds. The status of both sides before and after is the same, or it is compared again.
#include <algorithm>
#include <mutex>

#include "core/verify/opposite.h"
#include "core/verify/verifier.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::verify {
namespace {

constexpr Bytes kSplitFrom = 4_MiB;  // below this one worker is done before another has started
constexpr Bytes kPiece = 4_MiB;
constexpr Bytes kAskForHolesFrom = Bytes(Bench::kSize);  // below this reading zeros costs less than asking

tl::unexpected<Trouble> trouble(Side side, Error error) { return tl::unexpected<Trouble>({side, std::move(error)}); }

Result<sys::UniqueFd> open_to_read(sys::FdView directory, const std::string& name, sys::Links links) {
  auto fd = sys::open_at(directory, name, {.links = links, .keep_atime = true});
  if (!fd && fd.error().code == EAGAIN) return sys::open_leased(directory, name, links);
  return fd;
}

/// A link or a socket now: it was a regular file a moment ago.
bool has_changed_type(int code) { return code == ELOOP || code == ENXIO; }

Difference content_difference(FileOffset at) { return {Difference::What::content, {}, {}, {}, at}; }

}  // namespace

/// Several workers on one large file: shared by its pieces.
class SharedComparison {
 public:
  SharedComparison(Verifier& by, Verifier::RegularPair compared) : verifier(by), pair(std::move(compared)) {}

  void work(walk::WorkerIndex worker) {
    while (true) {
      auto piece = next_piece();
      if (piece && !*piece) break;
      auto done = piece ? compare_range(pair.files(), **piece, pair.holes, verifier.at(worker).bench, first_,
                                        verifier.at(worker).counters.bytes_read)
                        : Answer<void>(tl::unexpected<Trouble>(std::move(piece).error()));
      if (done) continue;
      next_.store(size());  // nobody takes another one
      const std::lock_guard lock(mutex_);
      if (outcome_) outcome_ = std::move(done);
      break;
    }
    if (sharers.fetch_sub(1) == 1) finish(worker);
  }

  Verifier& verifier;
  Verifier::RegularPair pair;
  std::atomic<unsigned> sharers{0};

 private:
  std::uint64_t size() const { return pair.a.status.size().value; }

  /// The next piece with data in it; nothing at the end, or where a difference lies before it.  A hole of any size costs one SEEK_DATA a side.
  Answer<std::optional<ByteRange>> next_piece() {
    while (true) {
      const std::uint64_t begin = next_.fetch_add(kPiece.value);
      if (begin >= size() || first_.is_before(FileOffset(begin))) {
        next_.store(size());  // so that it never wraps
        return std::nullopt;
      }
      const std::uint64_t end = std::min(begin + kPiece.value, size());
      if (pair.holes == Holes::pass_over) {
        const auto data = next_data(pair.files(), FileOffset(begin), FileOffset(size()));
        if (!data) return tl::unexpected<Trouble>(data.error());
        const std::uint64_t skip_to = data->value == size() ? size() : data->value / kPiece.value * kPiece.value;
        if (skip_to > begin) {
          for (std::uint64_t now = next_.load(); now < skip_to && !next_.compare_exchange_weak(now, skip_to);) {
          }
          continue;
        }
      }
      return ByteRange{FileOffset(begin), FileOffset(end)};
    }
  }

  void finish(walk::WorkerIndex worker) {
    const std::lock_guard lock(mutex_);
    std::vector<Difference> found;
    if (const auto at = first_.get(); at && outcome_) found.push_back(content_difference(*at));
    if (outcome_) outcome_ = verifier.compare_around(pair, found);
    auto answer = outcome_ ? Verifier::Found(std::move(found)) : Verifier::Found(tl::unexpected<Trouble>(outcome_.error()));
    const auto a_now = sys::status_of(pair.a.fd), b_now = sys::status_of(pair.b.fd);
    if (a_now && b_now && !(sys::same_version(pair.a.status, *a_now) && sys::same_version(pair.b.status, *b_now))) {
      // Rare enough to be read again in one piece, with the retries of every other file.
      verifier.at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
      pair.a.status = *a_now;
      pair.b.status = *b_now;
      return verifier.compare_regular(std::move(pair), 2, worker);
    }
    if (!a_now) answer = trouble(Side::a, a_now.error());
    if (!b_now) answer = trouble(Side::b, b_now.error());
    verifier.settle_regular(pair, std::move(answer));
  }

  std::atomic<std::uint64_t> next_{0};  // where the next piece begins
  FirstDifference first_;
  std::mutex mutex_;
  Answer<void> outcome_;  // guarded by mutex_
};

namespace {

class ShareTask final : public walk::Task {
 public:
  explicit ShareTask(std::shared_ptr<SharedComparison> comparison) : comparison_(std::move(comparison)) {}
  void run(walk::WorkerIndex worker) override { comparison_->work(worker); }

 private:
  std::shared_ptr<SharedComparison> comparison_;
};

}  // namespace

void Verifier::visit_regular(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  constexpr auto kRegular = sys::FileType::regular;
  const std::string name = entry.name;
  Opposite& opposite = opposite_of(*directory);
  const auto open_side = [&](Side side) -> Answer<Opened> {
    auto fd = side == Side::a ? open_to_read(directory->fd(), name, entry.links)
                              : open_to_read(opposite.fd, opposite.name_for(name), opposite.entry_links);
    if (!fd && has_changed_type(fd.error().code)) return trouble(side, changed_error());
    if (!fd) return trouble(side, std::move(fd).error());
    auto status = sys::status_of(*fd);
    if (!status) return trouble(side, std::move(status).error());
    if (status->type() != kRegular) return trouble(side, changed_error());
    return Opened{std::move(*fd), *status};
  };

  auto a = open_side(Side::a);
  if (!a && a.error().error.code == ENOENT) return vanished(*directory, name);
  if (!a) return tell_unreadable(*directory, name, kRegular, std::move(a).error());
  auto b = open_side(Side::b);
  if (!b && b.error().error.code == ENOENT) return tell_only_in_a(*directory, name, kRegular);
  if (!b) return tell_unreadable(*directory, name, kRegular, std::move(b).error());

  RegularPair pair{.directory = directory, .name = name, .a = std::move(*a), .b = std::move(*b), .link = {}};
  bool known_same = false;
  pair.link = met_link(*directory, name, pair.a.status, pair.b.status, &known_same);
  pair.counts_as_linked = options_.hard_links && pair.a.status.links() > 1;
  if (known_same) return settle_regular(pair, std::vector<Difference>{});
  pair.sizes_lie = opposite.a_traits.sizes_lie() || opposite.b_traits.sizes_lie();
  // A file of another device than its directory (a bind mount, overlayfs) is of a filesystem that nobody has asked.
  const bool holes_are_told =
      opposite.a_traits.holes == storage::Support::yes && opposite.b_traits.holes == storage::Support::yes &&
      pair.a.status.device() == opposite.a_traits.device && pair.b.status.device() == opposite.b_traits.device;
  if (holes_are_told && pair.a.status.size() >= kAskForHolesFrom) pair.holes = Holes::pass_over;
  if (split(pair, worker)) return;
  compare_regular(std::move(pair), 1, worker);
}

bool Verifier::split(RegularPair& pair, walk::WorkerIndex worker) {
  const Bytes size = pair.a.status.size();
  const bool is_read = options_.content != Content::size && !pair.sizes_lie && size == pair.b.status.size();
  if (!is_read || size < kSplitFrom || walk_ == nullptr || !walk_->scheduler().someone_is_idle()) return false;
  observer_.comparing(pair.name, 1);
  const std::uint64_t pieces = (size.value - 1) / kPiece.value + 1;
  const auto sharers = static_cast<unsigned>(std::min<std::uint64_t>(pieces, walk_->scheduler().workers()));
  auto comparison = std::make_shared<SharedComparison>(*this, std::move(pair));
  comparison->sharers.store(sharers);
  for (unsigned i = 0; i < sharers; ++i) walk_->scheduler().push(worker, std::make_unique<ShareTask>(comparison));
  return true;
}

void Verifier::compare_regular(RegularPair pair, int reading, walk::WorkerIndex worker) {
  for (;; ++reading) {
    observer_.comparing(pair.name, reading);
    auto found = compare_regular_once(pair, worker);
    const auto a_now = sys::status_of(pair.a.fd);
    if (!a_now) return settle_regular(pair, trouble(Side::a, a_now.error()));
    const auto b_now = sys::status_of(pair.b.fd);
    if (!b_now) return settle_regular(pair, trouble(Side::b, b_now.error()));
    const bool a_changed = !sys::same_version(pair.a.status, *a_now);
    const bool b_changed = !sys::same_version(pair.b.status, *b_now);
    // Whatever came out, an error too: it is about a mix.
    if (!a_changed && !b_changed) return settle_regular(pair, std::move(found));
    if (reading >= kMostReadings || sys::stop_requested())
      return settle_regular(pair, trouble(a_changed ? Side::a : Side::b, changed_error()));
    at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
    pair.a.status = *a_now;
    pair.b.status = *b_now;
  }
}

Verifier::Found Verifier::compare_regular_once(const RegularPair& pair, walk::WorkerIndex worker) {
  std::vector<Difference> found;
  FirstDifference first;
  Bench& bench = at(worker).bench;
  std::atomic<std::uint64_t>& bytes_read = at(worker).counters.bytes_read;
  if (options_.content != Content::size) {
    if (pair.sizes_lie) {
      if (auto done = compare_until_end(pair.files(), bench, first, bytes_read); !done)
        return tl::unexpected<Trouble>(std::move(done).error());
    } else if (pair.a.status.size() == pair.b.status.size()) {
      const ByteRange whole{FileOffset(0), FileOffset(pair.a.status.size().value)};
      if (auto done = compare_range(pair.files(), whole, pair.holes, bench, first, bytes_read); !done)
        return tl::unexpected<Trouble>(std::move(done).error());
    }
  }
  if (const auto where = first.get()) found.push_back(content_difference(*where));
  if (auto done = compare_around(pair, found); !done) return tl::unexpected<Trouble>(std::move(done).error());
  return found;
}

Answer<void> Verifier::compare_around(const RegularPair& pair, std::vector<Difference>& found) const {
  const Bytes a_size = pair.a.status.size(), b_size = pair.b.status.size();
  if (a_size != b_size && !pair.sizes_lie)
    found.push_back({Difference::What::size, std::to_string(a_size.value), std::to_string(b_size.value)});
  if (options_.content == Content::extent && a_size == b_size && !pair.sizes_lie) {
    const auto at = first_hole_difference(pair.files(), a_size);
    if (!at) return tl::unexpected<Trouble>(at.error());
    if (*at) found.push_back({Difference::What::holes, {}, {}, {}, **at});
  }
  auto attributes = attribute_differences({pair.a.fd}, pair.a.status, {pair.b.fd}, pair.b.status);
  if (!attributes) return tl::unexpected<Trouble>(std::move(attributes).error());
  std::ranges::move(*attributes, std::back_inserter(found));
  return {};
}

void Verifier::settle_regular(RegularPair& pair, Found found) {
  if (found && found->empty() && pair.counts_as_linked) hard_links_.compared_same(pair.a.status.key(), pair.b.status.key());
  if (found && pair.link) found->push_back(*pair.link);
  tell(*pair.directory, pair.name, sys::FileType::regular, std::move(found));
}

}  // namespace foxing::verify
