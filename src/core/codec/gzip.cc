// SPDX-License-Identifier: GPL-2.0-or-later
// gzip, by zlib.  Source: zlib.h, RFC 1952.
// A file is one or more members; zeros may follow (tapes are padded so), anything else may not.
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/assert.h"
#include "core/codec/transform.h"

namespace foxing::codec {
namespace {

constexpr std::size_t kOutput = 128 * 1024;
constexpr std::size_t kPiece = 1U << 30;  // zlib counts in unsigned int
constexpr int kGzipWindow = 15 + 16;      // 32 KiB; 16: gzip's header and trailer

/// The library wants a pointer to what it does not change.
Bytef* unchanged(const std::byte* bytes) { return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes)); }

class GzipEncoder final : public Transform {
 public:
  GzipEncoder() : output_(kOutput) {}
  ~GzipEncoder() override { ::deflateEnd(&stream_); }
  int start(int level) { return ::deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY); }

  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    while (!bytes.empty()) {
      const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), kPiece));
      stream_.next_in = unchanged(piece.data());
      stream_.avail_in = static_cast<uInt>(piece.size());
      while (stream_.avail_in > 0) FOX_TRY(step(Z_NO_FLUSH, sink));
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }
  Result<> finish(Sink& sink) override {
    while (FOX_TRY(step(Z_FINISH, sink)) != Z_STREAM_END) {
    }
    return {};
  }

 private:
  Result<int> step(int flush, Sink& sink) {
    stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
    stream_.avail_out = static_cast<uInt>(output_.size());
    const int answer = ::deflate(&stream_, flush);
    if (answer == Z_STREAM_ERROR) return fail(EINVAL, "compress", {}, "the gzip stream has ended already");
    FOX_TRY(output_.hand_over(output_.size() - stream_.avail_out, sink));
    return answer;
  }

  z_stream stream_{};
  OutputBuffer output_;
};

class GzipDecoder final : public Transform {
 public:
  GzipDecoder() : output_(kOutput) {}
  ~GzipDecoder() override { ::inflateEnd(&stream_); }
  int start() { return ::inflateInit2(&stream_, kGzipWindow); }

  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    while (!bytes.empty()) {
      const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), kPiece));
      FOX_TRY(write_piece(piece, sink));
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }
  Result<> finish(Sink&) override {
    if (where_ == Where::in_member || where_ == Where::before_all) return cut_short(Format::gzip);
    return {};
  }

 private:
  enum class Where { before_all, in_member, after_member, in_padding };

  Result<> write_piece(std::span<const std::byte> piece, Sink& sink) {
    while (!piece.empty()) {
      if (where_ == Where::after_member || where_ == Where::in_padding) {
        const auto end = std::ranges::find_if(piece, [](std::byte byte) { return byte != std::byte{0}; });
        if (end != piece.begin()) where_ = Where::in_padding;
        piece = piece.subspan(static_cast<std::size_t>(end - piece.begin()));
        if (piece.empty()) return {};
        if (where_ == Where::in_padding || piece.front() != std::byte{0x1f}) return garbage_follows(Format::gzip);
        FOX_ASSERT(::inflateReset(&stream_) == Z_OK);
        later_member_ = true;
      }
      where_ = Where::in_member;
      const std::size_t left = FOX_TRY(inflate(piece, sink));
      piece = piece.last(left);
    }
    return {};
  }

  /// What is left of `piece` when the member ends, or 0.
  Result<std::size_t> inflate(std::span<const std::byte> piece, Sink& sink) {
    stream_.next_in = unchanged(piece.data());
    stream_.avail_in = static_cast<uInt>(piece.size());
    while (true) {
      stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
      stream_.avail_out = static_cast<uInt>(output_.size());
      const int answer = ::inflate(&stream_, Z_NO_FLUSH);
      if (answer == Z_MEM_ERROR) return out_of_memory("decompress");
      if (answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR) {
        const std::string_view what = stream_.msg != nullptr ? stream_.msg : "it cannot be read";
        if (later_member_ && stream_.total_out == 0 && what == "incorrect header check") return garbage_follows(Format::gzip);
        return damaged(Format::gzip, what);
      }
      FOX_TRY(output_.hand_over(output_.size() - stream_.avail_out, sink));
      if (answer == Z_STREAM_END) {
        where_ = Where::after_member;
        return stream_.avail_in;
      }
      if (stream_.avail_in == 0 && stream_.avail_out > 0) return 0;
    }
  }

  z_stream stream_{};
  OutputBuffer output_;
  Where where_ = Where::before_all;
  bool later_member_ = false;
};

}  // namespace

TransformResult gzip_encoder(int level) {
  auto encoder = std::make_unique<GzipEncoder>();
  if (encoder->start(level) != Z_OK) return out_of_memory("compress");
  return encoder;
}

TransformResult gzip_decoder() {
  auto decoder = std::make_unique<GzipDecoder>();
  if (decoder->start() != Z_OK) return out_of_memory("decompress");
  return decoder;
}

}  // namespace foxing::codec
