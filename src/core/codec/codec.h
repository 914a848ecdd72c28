// SPDX-License-Identifier: GPL-2.0-or-later
// Compressed streams: zstd, lz4 (frames), gzip and xz, written and read piece by piece.
//   from  whoever has bytes (streams, files, archives)        to  a Sink, which gets what comes out of them
// Why.   One interface over four libraries; their headers stay in this folder.
// How.   Encoder and Decoder hand bytes to the format's Transform; what comes out goes to the Sink at once.
// Holds. What is written here is read by the tools zstd, lz4, gzip and xz, and the reverse: also several frames one after the other, skippable
//        frames, and the zeros that pad gzip and xz.  Every format is written with a checksum of the content, and reading checks it.
//        Input that is damaged, cut short or followed by something else is an error (EBADMSG), whatever was handed to the Sink before it.
//        Memory does not depend on the input: a stream that asks its reader for more than kMostDecoderMemory is refused (EFBIG).
//        After an error the object answers only with errors.
// Not here: threads, dictionaries, legacy formats (lz4 before frames, lzma alone, compress).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace foxing::codec {

enum class Format : std::uint8_t { none /* bytes as they are */, zstd, lz4, gzip, xz };

/// "zstd"
std::string_view name_of(Format format);
/// ".zst"; empty for none.
std::string_view suffix_of(Format format);
/// The format that a file name ends in; nothing where the suffix is the whole name.
std::optional<Format> format_by_suffix(std::string_view name);

/// How to compress.  `level` is 0 for lz4 and none, which have none.
struct Codec {
  Format format = Format::none;
  int level = 0;
  friend bool operator==(const Codec&, const Codec&) = default;
};
/// "zstd", "zstd:1" to "zstd:19" (3), "lz4", "gzip:1" to "gzip:9" (6), "xz:0" to "xz:9" (6), "none".  EINVAL, with what is possible in `detail`.
Result<Codec> parse_codec(std::string_view text);
/// "zstd:3"
std::string to_string(Codec codec);

/// So many first bytes tell the format; fewer may do.
inline constexpr std::size_t kMagicBytes = 6;
/// By the first bytes.  Never none: what is not known is nothing.  A skippable frame, which zstd and lz4 have in common, counts as zstd's.
std::optional<Format> detect(std::span<const std::byte> first);

/// Windows up to 128 MiB, which is all that zstd --ultra -22 and xz -9 make.
inline constexpr Bytes kMostDecoderMemory = 160_MiB;

/// Takes what comes out.  Its error ends the stream.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<> write(std::span<const std::byte> bytes) = 0;
};

class Transform;  // transform.h: one format, one direction

/// Compresses.  All of a stream goes through `write`, then `finish` once.
class Encoder {
 public:
  /// `size`: exactly so many bytes will come, where that is known; small inputs then take little memory, and zstd and lz4 write it down.  A promise
  /// that is not kept is an error of `finish` or `write`.  ENOMEM.
  static Result<Encoder> create(Codec codec, std::optional<Bytes> size = {});
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  Result<> write(std::span<const std::byte> bytes, Sink& sink);
  /// Ends the frame.  What another Encoder writes behind it belongs to the same file: readers put the contents together.
  Result<> finish(Sink& sink);

 private:
  explicit Encoder(std::unique_ptr<Transform> transform);
  std::unique_ptr<Transform> transform_;
};

/// Decompresses.
class Decoder {
 public:
  static Result<Decoder> create(Format format);
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  Result<> write(std::span<const std::byte> bytes, Sink& sink);
  /// No more input: EBADMSG where something is missing, or nothing came at all.
  Result<> finish(Sink& sink);

 private:
  explicit Decoder(std::unique_ptr<Transform> transform);
  std::unique_ptr<Transform> transform_;
};

}  // namespace foxing::codec
