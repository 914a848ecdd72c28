// SPDX-License-Identifier: GPL-2.0-or-later
// libFuzzer's way into everything that reads an archive's bytes.  The first byte says which part gets the rest:
//   h header   r head of a record   e entries   i index   d directory   s snapshot begins, ends   f footer and tail   a a whole archive, from a file
// Not by chance: an archive's checksums are made right before it is read, else nothing behind them would ever be reached.
// Built by FOXING_FUZZ (clang); without it archive_fuzz_test.cc runs the seeds and some thousand changes of each.
#include "core/archive/archive_fuzz.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/little_endian.h"
#include "core/archive/checker.h"
#include "core/archive/crc32c.h"
#include "core/archive/manifest.h"
#include "core/archive/reader.h"
#include "core/archive/repairer.h"
#include "sys/file.h"

namespace foxing::archive {
namespace {

struct Deaf final : CheckObserver {
  void damaged(const Error&) override {}
  void file_hit(const Snapshot&, const std::string&) override {}
};

/// Right checksums of headers and heads, and right digests of what is stored without compression.
void make_right(std::string& bytes) {
  const auto put_crc = [&](std::size_t at, std::size_t size) {
    std::string crc;
    ByteWriter(crc).u32(crc32c(as_bytes(std::string_view(bytes).substr(at, size - 4))));
    bytes.replace(at + size - 4, 4, crc);
  };
  if (bytes.size() < kHeaderSize) return;
  put_crc(0, kHeaderSize);
  for (std::size_t at = kHeaderSize; at + kHeadSize <= bytes.size();) {
    if (bytes.compare(at, kRecordMagic.size(), kRecordMagic) != 0) {
      ++at;
      continue;
    }
    const std::uint32_t stored = ByteReader(std::string_view(bytes).substr(at + 12, 4)).u32();
    if (stored <= bytes.size() - at - kHeadSize) {
      const std::string payload = bytes.substr(at + kHeadSize, stored);
      if (bytes[at + 5] == 0) bytes.replace(at + 24, digest::Digest::kSize, as_text(digest::hash(as_bytes(payload)).bytes));
      std::string crc;
      ByteWriter(crc).u32(crc32c(as_bytes(payload)));
      bytes.replace(at + 56, 4, crc);
    }
    put_crc(at, kHeadSize);
    at += kHeadSize;
  }
}

struct Unmoved final : RepairObserver {
  void lost(const std::string&, const std::string&, const std::string&) override {}
  void gap(const std::string&, const std::string&) override {}
};

void repair_archive(sys::FdView file) {
  const sys::UniqueFd out(::memfd_create("repaired", MFD_CLOEXEC));
  auto survey = Survey::of(file, [](const Error&) {});
  if (!survey) return;
  Writer writer(out, {codec::Format::none, 0});
  Unmoved unmoved;
  if (writer.begin_archive({.chunks = survey->header().chunks})) (void)repair(*survey, writer, unmoved).has_value();
}

void read_archive(std::string bytes) {
  make_right(bytes);
  sys::UniqueFd file(::memfd_create("archive", MFD_CLOEXEC));
  if (!file || !sys::write_all(file, as_bytes(bytes))) return;
  repair_archive(file);
  auto archive = Archive::open(std::move(file));
  if (!archive) return;
  Deaf deaf;
  (void)check(*archive, 0, deaf).has_value();
  for (const Snapshot& snapshot : archive->snapshots()) (void)find_entry(*archive, snapshot, "a/b").has_value();
}

void read_entries(std::string_view payload) {
  auto reader = BlockReader::open(payload);
  TreeCheck check;
  while (reader) {
    const auto item = reader->next();
    if (!item || !*item) return;
    (void)check.accept(**item).has_value();
  }
}

}  // namespace

void read_anything(std::string_view input) {
  if (input.empty()) return;
  const char what = input.front();
  input.remove_prefix(1);
  switch (what) {
    case 'h': (void)decode_header(as_bytes(input)).has_value(); break;
    case 'r': (void)decode_head(as_bytes(input), FileOffset(0), 65536).has_value(); break;
    case 'e': read_entries(input); break;
    case 'i': (void)decode_index(input).has_value(); break;
    case 'd': (void)decode_directory(input).has_value(); break;
    case 's':
      (void)decode_snapshot_begins(input).has_value();
      (void)decode_snapshot_ends(input).has_value();
      break;
    case 'f':
      (void)decode_footer(input).has_value();
      (void)decode_tail(input).has_value();
      break;
    case 'a': read_archive(std::string(input)); break;
    default: break;
  }
}

}  // namespace foxing::archive

#ifdef FOXING_FUZZ
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  foxing::archive::read_anything({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
