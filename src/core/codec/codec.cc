// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/codec/codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "core/codec/transform.h"

namespace foxing::codec {
namespace {

struct FormatRow {
  Format format;
  std::string_view name;
  std::string_view suffix;
  int lowest;   // level
  int usual;    // 0 together with `highest`: there are none
  int highest;
};
// clang-format off
constexpr FormatRow kFormats[] = {
    {Format::none, "none", "",     0, 0, 0},
    {Format::zstd, "zstd", ".zst", 1, 3, 19},
    {Format::lz4,  "lz4",  ".lz4", 0, 0, 0},
    {Format::gzip, "gzip", ".gz",  1, 6, 9},
    {Format::xz,   "xz",   ".xz",  0, 6, 9},
};
// clang-format on

const FormatRow& row_of(Format format) { return kFormats[static_cast<std::size_t>(format)]; }

tl::unexpected<Error> refuse(std::string sentence) { return fail(EINVAL, "", {}, std::move(sentence)); }

struct Magic {
  Format format;
  std::array<unsigned char, kMagicBytes> bytes;
  std::size_t length;
};
constexpr Magic kMagics[] = {
    {Format::zstd, {0x28, 0xb5, 0x2f, 0xfd}, 4},
    {Format::lz4, {0x04, 0x22, 0x4d, 0x18}, 4},
    {Format::gzip, {0x1f, 0x8b, 0x08}, 3},  // 8: deflate, which is all there ever was
    {Format::xz, {0xfd, '7', 'z', 'X', 'Z', 0x00}, 6},
};

/// Bytes as they are.
class Unchanged final : public Transform {
 public:
  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    if (bytes.empty()) return {};
    return sink.write(bytes);
  }
  Result<> finish(Sink&) override { return {}; }
};

/// Lets nothing through after an error or after the end: what a library makes of that is not said anywhere.
Result<> kept_unless_failed(std::unique_ptr<Transform>& transform, Result<> answer) {
  if (!answer) transform.reset();
  return answer;
}
tl::unexpected<Error> is_over(const char* operation) {
  return fail(EINVAL, operation, {}, "the stream has ended, or failed, before");
}

}  // namespace

std::string_view name_of(Format format) { return row_of(format).name; }
std::string_view suffix_of(Format format) { return row_of(format).suffix; }

std::optional<Format> format_by_suffix(std::string_view name) {
  for (const FormatRow& row : kFormats)
    if (!row.suffix.empty() && name.size() > row.suffix.size() && name.ends_with(row.suffix)) return row.format;
  return std::nullopt;
}

Result<Codec> parse_codec(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto* const row = std::ranges::find(kFormats, name, &FormatRow::name);
  if (row == std::end(kFormats)) return refuse("unknown compression " + std::string(name) + ": use zstd, lz4, gzip, xz or none");
  Codec codec{.format = row->format, .level = row->usual};
  if (colon == std::string_view::npos) return codec;
  if (row->highest == 0) return refuse(std::string(name) + " has no levels");
  const std::string_view level = text.substr(colon + 1);
  const auto [end, problem] = std::from_chars(level.data(), level.data() + level.size(), codec.level);
  if (problem != std::errc{} || end != level.data() + level.size() || codec.level < row->lowest || codec.level > row->highest)
    return refuse("the level of " + std::string(name) + " is a number from " + std::to_string(row->lowest) + " to " +
                  std::to_string(row->highest));
  return codec;
}

std::string to_string(Codec codec) {
  const FormatRow& row = row_of(codec.format);
  std::string text(row.name);
  if (row.highest != 0) text += ":" + std::to_string(codec.level);
  return text;
}

std::optional<Format> detect(std::span<const std::byte> first) {
  const auto begins_with = [&](const Magic& magic) {
    return first.size() >= magic.length &&
           std::equal(magic.bytes.begin(), magic.bytes.begin() + static_cast<std::ptrdiff_t>(magic.length), first.begin(),
                      [](unsigned char a, std::byte b) { return std::byte{a} == b; });
  };
  for (const Magic& magic : kMagics)
    if (begins_with(magic)) return magic.format;
  // 0x184D2A50 to 5F, lowest byte first.
  if (first.size() >= 4 && (first[0] & std::byte{0xf0}) == std::byte{0x50} && first[1] == std::byte{0x2a} &&
      first[2] == std::byte{0x4d} && first[3] == std::byte{0x18})
    return Format::zstd;
  return std::nullopt;
}

// ---- Encoder

Encoder::Encoder(std::unique_ptr<Transform> transform) : transform_(std::move(transform)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

Result<Encoder> Encoder::create(Codec codec, std::optional<Bytes> size) {
  switch (codec.format) {
    case Format::none: return Encoder(std::make_unique<Unchanged>());
    case Format::zstd: return Encoder(FOX_TRY(zstd_encoder(codec.level, size)));
    case Format::lz4: return Encoder(FOX_TRY(lz4_encoder(size)));
    case Format::gzip: return Encoder(FOX_TRY(gzip_encoder(codec.level)));
    case Format::xz: return Encoder(FOX_TRY(xz_encoder(codec.level, size)));
  }
  FOX_ASSERT(false);
}

Result<> Encoder::write(std::span<const std::byte> bytes, Sink& sink) {
  if (transform_ == nullptr) return is_over("compress");
  return kept_unless_failed(transform_, transform_->write(bytes, sink));
}

Result<> Encoder::finish(Sink& sink) {
  if (transform_ == nullptr) return is_over("compress");
  return std::exchange(transform_, nullptr)->finish(sink);
}

// ---- Decoder

Decoder::Decoder(std::unique_ptr<Transform> transform) : transform_(std::move(transform)) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Result<Decoder> Decoder::create(Format format) {
  switch (format) {
    case Format::none: return Decoder(std::make_unique<Unchanged>());
    case Format::zstd: return Decoder(FOX_TRY(zstd_decoder()));
    case Format::lz4: return Decoder(FOX_TRY(lz4_decoder()));
    case Format::gzip: return Decoder(FOX_TRY(gzip_decoder()));
    case Format::xz: return Decoder(FOX_TRY(xz_decoder()));
  }
  FOX_ASSERT(false);
}

Result<> Decoder::write(std::span<const std::byte> bytes, Sink& sink) {
  if (transform_ == nullptr) return is_over("decompress");
  return kept_unless_failed(transform_, transform_->write(bytes, sink));
}

Result<> Decoder::finish(Sink& sink) {
  if (transform_ == nullptr) return is_over("decompress");
  return std::exchange(transform_, nullptr)->finish(sink);
}

}  // namespace foxing::codec
