// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/directory_digest.h"

namespace foxing::capture {
namespace {

/// FNV-1a over numbers and bytes, with a last round that spreads it.  Source: splitmix64, public domain, Sebastiano Vigna.
class Hash {
 public:
  Hash& add(std::string_view bytes) {
    for (const char byte : bytes) step(static_cast<unsigned char>(byte));
    step(0);  // which no name holds
    return *this;
  }
  Hash& add(std::uint64_t number) {
    value_ = spread(value_ ^ number);
    return *this;
  }
  Hash& add(const timespec& time) {
    return add(static_cast<std::uint64_t>(time.tv_sec)).add(static_cast<std::uint64_t>(time.tv_nsec));
  }
  std::uint64_t value() const { return spread(value_); }

 private:
  void step(std::uint64_t byte) { value_ = (value_ ^ byte) * 0x100000001B3ULL; }
  static std::uint64_t spread(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
  }
  std::uint64_t value_ = 0xCBF29CE484222325ULL;
};

std::uint64_t what_it_is(const sys::FileStatus& status) {
  return Hash()
      .add(status.inode().value)
      .add(status.device().value)
      .add(static_cast<std::uint64_t>(status.raw.st_mode & S_IFMT))
      .value();
}

}  // namespace

std::size_t DirectoryDigest::part_of(std::string_view name) { return Hash().add(name).value() % kParts; }

void DirectoryDigest::itself(const sys::FileStatus& status) {
  itself_ = Hash()
                .add(static_cast<std::uint64_t>(status.raw.st_mode))
                .add(status.owner())
                .add(status.group())
                .add(status.modified())
                .add(status.changed())
                .value();
}

void DirectoryDigest::add(std::string_view name, const sys::FileStatus& status) {
  names_ += Hash().add(name).add(what_it_is(status)).value();
  if (status.type() == sys::FileType::directory) return;
  parts_[part_of(name)] += Hash()
                               .add(name)
                               .add(status.size().value)
                               .add(static_cast<std::uint64_t>(status.raw.st_mode))
                               .add(status.links())
                               .add(status.modified())
                               .add(status.changed())
                               .value();
}

void DirectoryDigest::doubt(std::string_view name, std::uint64_t look) {
  parts_[part_of(name)] += Hash().add(name).add(look).value();
}

void DirectoryDigest::doubt_itself(std::uint64_t look) { itself_ += Hash().add(look).value(); }

DirectoryDigest::Difference DirectoryDigest::from(const DirectoryDigest& before) const {
  Difference difference{.itself = itself_ != before.itself_, .names = names_ != before.names_, .parts = {}};
  for (std::size_t part = 0; part < kParts; ++part) difference.parts[part] = parts_[part] != before.parts_[part];
  return difference;
}

}  // namespace foxing::capture
