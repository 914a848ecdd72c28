// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/recording.h"

#include <fmt/format.h>

#include "base/little_endian.h"
#include "core/digest/digest.h"
#include "sys/file.h"

namespace foxing::capture {
namespace {

constexpr std::string_view kMagic = "FXEVENTS";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kHeader = 16;
constexpr std::size_t kLongestBody = 64 * 1024;
constexpr std::size_t kLongestPath = 32 * 1024;
constexpr std::size_t kLongestName = 255;
constexpr std::uint64_t kLongestTime = std::uint64_t{1} << 53;  // microseconds: 285 years

enum class Body : std::uint8_t { directory = 1, event = 2, end = 3 };

struct KindRow {
  Event::Kind kind;
  std::uint8_t byte;
  bool has_directory;
  bool has_name;
  bool has_target;
};
constexpr KindRow kKinds[] = {
    {Event::Kind::name, 1, true, true, false},    {Event::Kind::itself, 2, true, false, false},
    {Event::Kind::inside, 3, true, false, false}, {Event::Kind::renamed, 4, true, true, true},
    {Event::Kind::lost, 5, false, false, false},
};

const KindRow* row_of(Event::Kind kind) {
  for (const KindRow& row : kKinds)
    if (row.kind == kind) return &row;
  return nullptr;
}

const KindRow* row_of(std::uint8_t byte) {
  for (const KindRow& row : kKinds)
    if (row.byte == byte) return &row;
  return nullptr;
}

std::uint64_t checksum(std::string_view bytes) {
  const digest::Digest digest = digest::hash(as_bytes(bytes));
  return ByteReader(as_text(std::span(digest.bytes)).substr(0, 8)).u64();
}

void put_text(ByteWriter& writer, std::string_view text) {
  writer.varint(text.size());
  writer.text(text);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool is_path_below(std::string_view path) {
  if (path.size() > kLongestPath) return false;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (!is_name(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
    if (path.empty()) return false;
  }
  return true;
}

/// Reads records one after the other; the first thing that is wrong ends it.
class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_(bytes) {}

  Result<Recording> parse() {
    FOX_TRY(header());
    while (!ended_) FOX_TRY(record());
    if (at_ != bytes_.size()) return wrong("there is more behind the end");
    return std::move(recording_);
  }

 private:
  tl::unexpected<Error> wrong(std::string_view what) const {
    return fail(0, "", {}, fmt::format("is no recording of foxingd that can be used: {} at byte {}", what, at_));
  }

  Result<> header() {
    ByteReader reader(bytes_.substr(0, kHeader));
    if (reader.text(kMagic.size()) != kMagic) return wrong("other bytes than FXEVENTS");
    if (const auto version = reader.u16(); version != kVersion)
      return wrong(fmt::format("version {}, where this foxingd knows {},", version, kVersion));
    if (reader.u16() != 0 || reader.u32() != 0) return wrong("flags that this foxingd does not know");
    if (!reader.complete()) return wrong("the end of the file");
    at_ = kHeader;
    return {};
  }

  Result<> record() {
    ByteReader reader(bytes_.substr(at_));
    const std::uint32_t size = reader.u32();
    if (!reader.ok()) return wrong("the end of the file, but no end of the recording,");
    if (size == 0 || size > kLongestBody) return wrong("a record of an impossible size");
    const std::string_view body = reader.text(size);
    const std::uint64_t sum = reader.u64();
    if (!reader.ok()) return wrong("a record that is cut short");
    if (sum != checksum(bytes_.substr(at_, sizeof size + size))) return wrong("a record with a wrong checksum");
    if (!take(ByteReader(body))) return wrong("a record that makes no sense");
    at_ += sizeof size + size + sizeof sum;
    return {};
  }

  bool take(ByteReader body) {
    switch (static_cast<Body>(body.u8())) {
      case Body::directory: return directory(body);
      case Body::event: return event(body);
      case Body::end: {
        ended_ = true;
        const std::uint64_t events = body.varint();
        recording_.left_out = body.varint();
        return body.complete() && events == recording_.events.size();
      }
    }
    return false;
  }

  static std::string text(ByteReader& body) { return std::string(body.text(static_cast<std::size_t>(body.varint()))); }

  bool directory(ByteReader& body) {
    const std::uint64_t number = body.varint();
    std::string path = text(body);
    auto& directories = recording_.directories;
    if (!body.complete() || number > directories.size() || !is_path_below(path)) return false;
    if (number == directories.size()) {
      directories.push_back(std::move(path));
    } else {
      directories[number] = std::move(path);
    }
    return true;
  }

  bool event(ByteReader& body) {
    const KindRow* const row = row_of(body.u8());
    const std::uint64_t at = body.varint();
    if (row == nullptr || at > kLongestTime) return false;
    RecordedEvent event{.kind = row->kind, .at = std::chrono::microseconds(at)};
    if (row->has_directory) event.directory = body.varint();
    if (row->has_name) event.name = text(body);
    if (row->has_target) {
      event.to_directory = body.varint();
      event.to_name = text(body);
    }
    const auto is_known = [&](const auto& number) { return !number || *number < recording_.directories.size(); };
    if (!body.complete() || !is_known(event.directory) || !is_known(event.to_directory) ||
        (row->has_name && !is_name(event.name)) || (row->has_target && !is_name(event.to_name)))
      return false;
    recording_.events.push_back(std::move(event));
    return true;
  }

  const std::string_view bytes_;
  std::size_t at_ = 0;
  Recording recording_;
  bool ended_ = false;
};

}  // namespace

RecordingWriter::RecordingWriter(std::string& out) : out_(out) {
  ByteWriter writer(out_);
  writer.text(kMagic);
  writer.u16(kVersion);
  writer.u16(0);
  writer.u32(0);
}

void RecordingWriter::record(std::string_view body) {
  const std::size_t begin = out_.size();
  ByteWriter writer(out_);
  writer.u32(static_cast<std::uint32_t>(body.size()));
  writer.text(body);
  writer.u64(checksum(std::string_view(out_).substr(begin)));
}

void RecordingWriter::directory(std::uint64_t number, std::string_view path) {
  std::string body;
  ByteWriter writer(body);
  writer.u8(static_cast<std::uint8_t>(Body::directory));
  writer.varint(number);
  put_text(writer, path);
  record(body);
}

void RecordingWriter::event(const RecordedEvent& event) {
  const KindRow* const row = row_of(event.kind);
  std::string body;
  ByteWriter writer(body);
  writer.u8(static_cast<std::uint8_t>(Body::event));
  writer.u8(row->byte);
  writer.varint(static_cast<std::uint64_t>(event.at.count()));
  if (row->has_directory) writer.varint(*event.directory);
  if (row->has_name) put_text(writer, event.name);
  if (row->has_target) {
    writer.varint(*event.to_directory);
    put_text(writer, event.to_name);
  }
  ++events_;
  record(body);
}

void RecordingWriter::end(std::uint64_t left_out) {
  std::string body;
  ByteWriter writer(body);
  writer.u8(static_cast<std::uint8_t>(Body::end));
  writer.varint(events_);
  writer.varint(left_out);
  record(body);
}

Result<Recording> parse_recording(std::string_view bytes) { return Parser(bytes).parse(); }

Result<Recording> read_recording(const std::string& path) {
  const auto named = [&](Error error) { return tl::make_unexpected(std::move(error).about(path)); };
  const auto file = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow});
  if (!file) return named(file.error());
  const auto status = sys::status_of(*file);
  if (!status) return named(status.error());
  if (status->type() != sys::FileType::regular) return fail(0, "", path, "is no regular file");
  if (status->size().value > kLongestRecording) return fail(0, "", path, "is longer than a recording can be (64 MiB)");
  std::string bytes(status->size().value, '\0');
  const auto got = sys::read_all_at(*file, std::as_writable_bytes(std::span(bytes)), FileOffset(0));
  if (!got) return named(got.error());
  bytes.resize(*got);
  auto recording = parse_recording(bytes);
  if (!recording) return named(std::move(recording).error());
  return recording;
}

}  // namespace foxing::capture
