// SPDX-License-Identifier: GPL-2.0-or-later
// xz, by liblzma.  Source: lzma/*.h, "The .xz File Format" 1.1.0.
// A file is one or more streams; zeros in fours may stand between and after them.
#include <lzma.h>

#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "core/codec/transform.h"

namespace foxing::codec {
namespace {

constexpr std::size_t kOutput = 128 * 1024;

class XzTransform : public Transform {
 public:
  XzTransform() : output_(kOutput) {}
  ~XzTransform() override { ::lzma_end(&stream_); }
  lzma_stream& stream() { return stream_; }

 protected:
  /// One call of the library; its answer.
  Result<lzma_ret> step(lzma_action action, Sink& sink) {
    stream_.next_out = reinterpret_cast<std::uint8_t*>(output_.data());
    stream_.avail_out = output_.size();
    const lzma_ret answer = ::lzma_code(&stream_, action);
    if (answer == LZMA_OK || answer == LZMA_STREAM_END) FOX_TRY(output_.hand_over(output_.size() - stream_.avail_out, sink));
    return answer;
  }
  void give(std::span<const std::byte> bytes) {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    stream_.avail_in = bytes.size();
  }
  bool output_was_full() const { return stream_.avail_out == 0; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  OutputBuffer output_;
};

class XzEncoder final : public XzTransform {
 public:
  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    give(bytes);
    while (stream().avail_in > 0) FOX_TRY(checked(FOX_TRY(step(LZMA_RUN, sink))));
    return {};
  }
  Result<> finish(Sink& sink) override {
    give({});
    while (true) {
      const lzma_ret answer = FOX_TRY(step(LZMA_FINISH, sink));
      if (answer == LZMA_STREAM_END) return {};
      FOX_TRY(checked(answer));
    }
  }

 private:
  static Result<> checked(lzma_ret answer) {
    if (answer == LZMA_OK) return {};
    if (answer == LZMA_MEM_ERROR) return out_of_memory("compress");
    return fail(EINVAL, "compress", {}, "liblzma answers " + std::to_string(answer));
  }
};

class XzDecoder final : public XzTransform {
 public:
  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    give(bytes);
    for (bool full = false; stream().avail_in > 0 || full; full = output_was_full())
      FOX_TRY(checked(FOX_TRY(step(LZMA_RUN, sink)), full));
    return {};
  }
  Result<> finish(Sink& sink) override {
    give({});
    while (true) {
      const lzma_ret answer = FOX_TRY(step(LZMA_FINISH, sink));
      if (answer == LZMA_STREAM_END) return {};
      if (answer == LZMA_BUF_ERROR) return cut_short(Format::xz);
      FOX_TRY(checked(answer, false));
    }
  }

 private:
  static Result<> checked(lzma_ret answer, bool only_asked_for_more) {
    switch (answer) {
      case LZMA_OK: return {};
      case LZMA_BUF_ERROR:
        if (only_asked_for_more) return {};  // nothing was waiting
        return damaged(Format::xz, "it goes on for ever");
      case LZMA_MEM_ERROR: return out_of_memory("decompress");
      case LZMA_MEMLIMIT_ERROR: return needs_too_much(Format::xz);
      case LZMA_FORMAT_ERROR: return damaged(Format::xz, "this is not the beginning of a stream");
      case LZMA_OPTIONS_ERROR: return damaged(Format::xz, "it asks for something that this version does not know");
      case LZMA_UNSUPPORTED_CHECK: return damaged(Format::xz, "its checksum is of a kind that this version does not know");
      default: return damaged(Format::xz, "a checksum or a structure is wrong, or something else follows it");
    }
  }
};

}  // namespace

TransformResult xz_encoder(int level, std::optional<Bytes> size) {
  auto encoder = std::make_unique<XzEncoder>();
  lzma_options_lzma options{};
  FOX_ASSERT(!::lzma_lzma_preset(&options, static_cast<std::uint32_t>(level)));
  // A dictionary larger than the input is memory for nothing.
  if (size && size->value < options.dict_size)
    options.dict_size = std::max<std::uint32_t>(LZMA_DICT_SIZE_MIN, static_cast<std::uint32_t>(size->value));
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  const lzma_ret answer = ::lzma_stream_encoder(&encoder->stream(), filters, LZMA_CHECK_CRC64);
  if (answer == LZMA_MEM_ERROR) return out_of_memory("compress");
  FOX_ASSERT(answer == LZMA_OK);
  return encoder;
}

TransformResult xz_decoder() {
  auto decoder = std::make_unique<XzDecoder>();
  const lzma_ret answer =
      ::lzma_stream_decoder(&decoder->stream(), kMostDecoderMemory.value, LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK);
  if (answer == LZMA_MEM_ERROR) return out_of_memory("decompress");
  FOX_ASSERT(answer == LZMA_OK);
  return decoder;
}

}  // namespace foxing::codec
