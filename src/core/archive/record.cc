// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/record.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/little_endian.h"
#include "core/archive/crc32c.h"

namespace foxing::archive {
namespace {

// \r\n, ^Z and \n as in PNG: a transfer that takes the archive for text spoils them.
constexpr std::string_view kMagic("FXAR\r\n\x1a\n", 8);
constexpr std::uint8_t kGear = 1;
constexpr std::uint8_t kNormalisation = 2;

constexpr codec::Format kLastFormat = codec::Format::xz;
static_assert(static_cast<int>(codec::Format::none) == 0 && static_cast<int>(codec::Format::zstd) == 1 &&
                  static_cast<int>(codec::Format::lz4) == 2 && static_cast<int>(codec::Format::gzip) == 3 &&
                  static_cast<int>(codec::Format::xz) == 4,
              "these numbers are in archives");

void put_crc(std::string& out) { ByteWriter(out).u32(crc32c(as_bytes(out))); }

/// The last four bytes are the checksum of the others.
bool crc_is_right(std::string_view bytes) {
  return ByteReader(bytes.substr(bytes.size() - 4)).u32() == crc32c(as_bytes(bytes.substr(0, bytes.size() - 4)));
}

tl::unexpected<Error> no_archive(std::string what) { return fail(EBADMSG, "", {}, std::move(what)); }
tl::unexpected<Error> too_new(std::string what) { return fail(EOPNOTSUPP, "", {}, std::move(what)); }

}  // namespace

tl::unexpected<Error> damage(FileOffset at, std::string_view record, std::string_view what) {
  return fail(EBADMSG, "", {}, fmt::format("damaged at byte {}, {}: {}", at.value, record, what));
}

std::string encode(const Header& header) {
  std::string out;
  ByteWriter writer(out);
  writer.text(kMagic);
  writer.u16(kMajor);
  writer.u16(header.minor);
  writer.u32(header.compatible);
  writer.u32(header.ro_compatible);
  writer.u32(header.incompatible);
  writer.u32(header.chunks.least);
  writer.u32(header.chunks.average);
  writer.u32(header.chunks.most);
  writer.u8(kGear);
  writer.u8(kNormalisation);
  out.resize(kHeaderSize - 4, '\0');
  put_crc(out);
  return out;
}

Result<Header> decode_header(std::span<const std::byte> bytes) {
  const std::string_view text = as_text(bytes);
  if (text.size() < 4 || text.substr(0, 4) != kMagic.substr(0, 4)) return no_archive("is not an FXAR archive");
  if (text.size() >= 8 && ByteReader(text.substr(4, 4)).u32() <= 2)
    return too_new("is an archive of another program's FXAR, which shares only its name with this format");
  if (text.size() >= 8 && text.substr(0, 8) != kMagic)
    return no_archive("damaged at byte 4, the header: was it transferred as text?");
  if (text.size() < kHeaderSize) return no_archive(fmt::format("is cut short: it ends at byte {}, in the header", text.size()));
  if (!crc_is_right(text.substr(0, kHeaderSize))) return damage(FileOffset(0), "the header", "its checksum is wrong");
  ByteReader reader(text.substr(kMagic.size(), kHeaderSize - kMagic.size()));
  const std::uint16_t major = reader.u16();
  if (major != kMajor) return too_new(fmt::format("is of FXAR version {}; this program reads version {}", major, kMajor));
  Header header;
  header.minor = reader.u16();
  header.compatible = reader.u32();
  header.ro_compatible = reader.u32();
  header.incompatible = reader.u32();
  header.chunks = {.least = reader.u32(), .average = reader.u32(), .most = reader.u32()};
  const std::uint8_t algorithm = reader.u8();
  const std::uint8_t normalisation = reader.u8();
  if (const std::uint32_t unknown = header.incompatible & ~kKnownIncompatible; unknown != 0)
    return too_new(
        fmt::format("needs features that this program does not know (0x{:x}); FXAR version 2.{}", unknown, header.minor));
  if (algorithm != kGear || normalisation != kNormalisation || !header.chunks.make_sense())
    return damage(FileOffset(24), "the header", "the way of cutting makes no sense");
  return header;
}

Result<> may_append(const Header& header) {
  if (const std::uint32_t unknown = header.ro_compatible & ~kKnownRoCompatible; unknown != 0)
    return too_new(
        fmt::format("can be read and not be appended to: it has features that this program does not know (0x{:x})", unknown));
  return {};
}

std::string name_of(const Head& head) {
  const auto numbered = [&](const char* name) { return fmt::format("{} {}", name, head.number); };
  switch (head.kind) {
    case Kind::snapshot_begins: return numbered("beginning of snapshot");
    case Kind::entries: return numbered("entries");
    case Kind::chunk: return numbered("chunk");
    case Kind::index: return numbered("index from chunk");
    case Kind::directory: return numbered("directory");
    case Kind::snapshot_ends: return numbered("end of snapshot");
    case Kind::footer: return "footer";
  }
  return fmt::format("record of kind {}", static_cast<unsigned>(head.kind));
}

std::string encode(const Head& head) {
  std::string out;
  out.reserve(kHeadSize);
  ByteWriter writer(out);
  writer.text(kRecordMagic);
  writer.u8(static_cast<std::uint8_t>(head.kind));
  writer.u8(static_cast<std::uint8_t>(head.format));
  writer.u16(0);
  writer.u32(head.raw_size);
  writer.u32(head.stored_size);
  writer.u64(head.number);
  writer.bytes(head.id.bytes);
  writer.u32(head.stored_crc);
  put_crc(out);
  return out;
}

Result<Head> decode_head(std::span<const std::byte> bytes, FileOffset at, std::uint32_t most_chunk) {
  const std::string_view text = as_text(bytes);
  if (text.size() < kHeadSize) return damage(at, "the head of a record", "the archive ends in it");
  if (!text.starts_with(kRecordMagic)) return damage(at, "the head of a record", "no record begins here");
  if (!crc_is_right(text.substr(0, kHeadSize))) return damage(at, "the head of a record", "its checksum is wrong");
  ByteReader reader(text.substr(kRecordMagic.size(), kHeadSize - kRecordMagic.size()));
  Head head;
  head.kind = static_cast<Kind>(reader.u8());
  const std::uint8_t format = reader.u8();
  const std::uint16_t flags = reader.u16();
  head.raw_size = reader.u32();
  head.stored_size = reader.u32();
  head.number = reader.u64();
  reader.bytes(head.id.bytes);
  head.stored_crc = reader.u32();
  const bool known = head.kind >= Kind::snapshot_begins && head.kind <= Kind::footer;
  if (!known && !head.ignorable()) return damage(at, name_of(head), "this program does not know such records");
  if (format > static_cast<std::uint8_t>(kLastFormat)) return damage(at, name_of(head), "its compression is unknown");
  head.format = static_cast<codec::Format>(format);
  if (flags != 0) return damage(at, name_of(head), "it has flags, and there are none");
  const std::uint32_t most = head.kind == Kind::chunk ? most_chunk : kMostPayload;
  if (head.raw_size > most || head.stored_size > head.raw_size)
    return damage(at, name_of(head), fmt::format("its sizes make no sense ({} and {} bytes)", head.raw_size, head.stored_size));
  if (head.format == codec::Format::none && head.stored_size != head.raw_size)
    return damage(at, name_of(head), "it is not compressed, and has two sizes");
  if (head.kind == Kind::chunk && head.raw_size == 0) return damage(at, name_of(head), "it is empty");
  return head;
}

}  // namespace foxing::archive
