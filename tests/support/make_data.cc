// SPDX-License-Identifier: GPL-2.0-or-later
// tree_make: sizes and holes.
#include <fmt/format.h>

#include "maker.h"

namespace foxing::test {
namespace {

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB, kTiB = 1024 * kGiB;

void resize(int fd, std::uint64_t size) {
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) give_up("ftruncate", "a sparse file");
}

/// Blocks that are there and hold zeros: no hole, and none may be made of them without being asked.
void write_zeros(int fd, std::uint64_t offset, std::uint64_t size) {
  const std::string zeros(size, '\0');
  if (::pwrite(fd, zeros.data(), zeros.size(), static_cast<off_t>(offset)) != static_cast<ssize_t>(size))
    give_up("write", "zeros");
}

void reserve(Maker& make, const std::string& name, int mode, std::uint64_t offset, std::uint64_t size) {
  const Fd fd(::openat(make.directory, name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) give_up("open", name);
  if (::fallocate(fd.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(size)) != 0 && errno != EOPNOTSUPP)
    give_up("fallocate", name);
}

}  // namespace

void make_sizes(Maker& make) {
  std::vector<std::uint64_t> sizes = {0,
                                      1,
                                      2,
                                      3,
                                      7,
                                      8,
                                      9,
                                      15,
                                      16,
                                      17,
                                      63,
                                      64,
                                      65,
                                      127,
                                      128,
                                      129,
                                      255,
                                      256,
                                      511,
                                      512,
                                      513,
                                      1023,
                                      1024,
                                      1025,
                                      2047,
                                      2048,
                                      2049,
                                      4095,
                                      4096,
                                      4097,
                                      8191,
                                      8192,
                                      8193,
                                      12287,
                                      12289,
                                      16383,
                                      16384,
                                      16385,
                                      32767,
                                      32768,
                                      32769,
                                      64 * kKiB - 1,
                                      64 * kKiB,
                                      64 * kKiB + 1,
                                      128 * kKiB - 1,
                                      128 * kKiB,
                                      128 * kKiB + 1,
                                      256 * kKiB - 1,
                                      256 * kKiB,
                                      256 * kKiB + 1,
                                      512 * kKiB - 1,
                                      512 * kKiB + 1,
                                      kMiB - 1,
                                      kMiB,
                                      kMiB + 1,
                                      2 * kMiB - 1,
                                      2 * kMiB,
                                      2 * kMiB + 1,
                                      3 * kMiB + 4097};
  if (make.scale >= 0.1) sizes.insert(sizes.end(), {4 * kMiB - 1, 4 * kMiB, 4 * kMiB + 1, 5 * kMiB + 3, 8 * kMiB + 4095});
  if (make.scale >= 1) sizes.insert(sizes.end(), {16 * kMiB + 1, 33 * kMiB + 4097});
  for (const std::uint64_t size : sizes) make_file(make, make.directory, fmt::format("size{}", size), size);
  for (int i = 0; i < make.scaled(300, 3); ++i)
    make_file(make, make.directory, fmt::format("random{}", i), make.random.below(20000));
  for (int i = 0; i < make.scaled(20, 1); ++i)
    make_file(make, make.directory, fmt::format("larger{}", i), make.random.below(kMiB));
  write_zeros(make_file(make, make.directory, "zeros", 0).get(), 0, 300 * kKiB);
  const Fd mixed = make_file(make, make.directory, "zeros and data", 500 * kKiB + 77);
  write_zeros(mixed.get(), 0, 8 * kKiB);
  write_zeros(mixed.get(), 64 * kKiB, 128 * kKiB);
  write_zeros(mixed.get(), 400 * kKiB, 100 * kKiB + 77);
}

void make_sparse(Maker& make) {
  const auto file = [&](const std::string& name) { return make_file(make, make.directory, name, 0); };
  const auto sparse = [&](const std::string& name, std::uint64_t size,
                          std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> data) {
    const Fd fd = file(name);
    resize(fd.get(), size);
    for (const auto& [offset, length] : data) write_at(make, fd.get(), offset, length);
  };
  sparse("hole at start", 3 * kMiB, {{2 * kMiB, kMiB}});
  sparse("hole in the middle", 3 * kMiB, {{0, kMiB}, {2 * kMiB, kMiB}});
  sparse("hole at end", 3 * kMiB, {{0, kMiB}});
  sparse("hole at end, odd", 3 * kMiB + 5, {{0, 4097}});
  sparse("all hole, small", 1, {});
  sparse("all hole, block", 4096, {});
  sparse("all hole", 8 * kMiB + 1, {});
  sparse("all hole, 3 GiB", 3 * kGiB, {});
  sparse("one byte at the end of 1 GiB", kGiB, {{kGiB - 1, 1}});
  sparse("one byte in 1 GiB", kGiB, {{512 * kMiB + 12345, 1}});
  sparse("one byte at the start of 1 GiB", kGiB + 1, {{0, 1}});
  sparse("across 4 GiB", 4 * kGiB + 8 * kKiB, {{4 * kGiB - 4096, 8192}});
  sparse("1 TiB", kTiB, {{0, 4096}, {kTiB / 2, 4096}, {kTiB - 4096, 4096}});
  sparse("small, hole at start", 20000, {{16384, 3616}});
  sparse("small, hole at end", 20000, {{0, 4096}});
  const Fd comb = file("comb");
  const std::uint64_t teeth = static_cast<std::uint64_t>(make.scaled(500, 20));
  resize(comb.get(), teeth * 16 * kKiB);
  for (std::uint64_t i = 0; i < teeth; ++i) write_at(make, comb.get(), i * 16 * kKiB, 4096);
  const Fd ragged = file("ragged");
  resize(ragged.get(), 16 * kMiB + 321);
  for (int i = 0; i < make.scaled(100, 10); ++i)
    write_at(make, ragged.get(), make.random.below(16 * kMiB), 1 + make.random.below(20000));

  // Space that was asked for and never written: holes to SEEK_DATA on every filesystem that we know.
  sparse("fallocated", 4 * kMiB, {{kMiB, 64 * kKiB}});
  reserve(make, "fallocated", 0, 0, 4 * kMiB);
  sparse("fallocated past the end", 100 * kKiB, {{0, 100 * kKiB}});
  reserve(make, "fallocated past the end", FALLOC_FL_KEEP_SIZE, 100 * kKiB, 2 * kMiB);
  sparse("fallocated, nothing written", 0, {});
  reserve(make, "fallocated, nothing written", 0, 0, 3 * kMiB + 17);
  sparse("punched", 4 * kMiB, {{0, 4 * kMiB}});
  reserve(make, "punched", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kMiB, 2 * kMiB);
  sparse("punched, odd", 4 * kMiB, {{0, 4 * kMiB}});
  reserve(make, "punched, odd", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kMiB + 100, 2 * kMiB);
  // Dense zeros between holes.
  const Fd zeros = file("zeros between holes");
  resize(zeros.get(), 3 * kMiB);
  write_zeros(zeros.get(), kMiB, kMiB);
}

}  // namespace foxing::test
