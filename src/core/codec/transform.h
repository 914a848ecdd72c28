// SPDX-License-Identifier: GPL-2.0-or-later
// One format in one direction, behind Encoder and Decoder.  For the .cc files of this folder.
//   from  codec.cc, which chooses        to  zstd.cc, lz4.cc, gzip.cc, xz.cc, each with one library
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/codec/codec.h"

namespace foxing::codec {

class Transform {
 public:
  virtual ~Transform() = default;
  Transform() = default;
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;
  virtual Result<> write(std::span<const std::byte> bytes, Sink& sink) = 0;
  virtual Result<> finish(Sink& sink) = 0;
};

using TransformResult = Result<std::unique_ptr<Transform>>;
TransformResult zstd_encoder(int level, std::optional<Bytes> size);
TransformResult zstd_decoder();
TransformResult lz4_encoder(std::optional<Bytes> size);
TransformResult lz4_decoder();
TransformResult gzip_encoder(int level);
TransformResult gzip_decoder();
TransformResult xz_encoder(int level, std::optional<Bytes> size);
TransformResult xz_decoder();

/// Where a library puts what comes out of it.
class OutputBuffer {
 public:
  explicit OutputBuffer(std::size_t size) : size_(size), bytes_(new std::byte[size]) {}
  std::byte* data() { return bytes_.get(); }
  std::size_t size() const { return size_; }
  Result<> hand_over(std::size_t used, Sink& sink) {
    if (used == 0) return {};
    return sink.write({bytes_.get(), used});
  }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

// What can be wrong with a stream, in words.
inline tl::unexpected<Error> damaged(Format format, std::string_view what) {
  return fail(EBADMSG, "decompress", {}, "the " + std::string(name_of(format)) + " data is damaged: " + std::string(what));
}
inline tl::unexpected<Error> cut_short(Format format) {
  return fail(EBADMSG, "decompress", {}, "the " + std::string(name_of(format)) + " data ends too early: a part is missing");
}
inline tl::unexpected<Error> garbage_follows(Format format) {
  return fail(
      EBADMSG, "decompress", {},
      "the " + std::string(name_of(format)) + " data is followed by something that is not " + std::string(name_of(format)));
}
inline tl::unexpected<Error> needs_too_much(Format format) {
  return fail(EFBIG, "decompress", {},
              "reading this " + std::string(name_of(format)) + " data takes a window of more than 128 MiB, which is refused");
}
inline tl::unexpected<Error> out_of_memory(const char* operation) { return fail(ENOMEM, operation); }

}  // namespace foxing::codec
