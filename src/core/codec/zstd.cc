// SPDX-License-Identifier: GPL-2.0-or-later
// zstd, by libzstd.  Source: zstd.h, RFC 8878.
#include <zstd.h>
#include <zstd_errors.h>

#include <memory>

#include "base/assert.h"
#include "core/codec/transform.h"

namespace foxing::codec {
namespace {

constexpr int kLargestWindowLog = 27;  // 128 MiB

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Result<> compressed(std::size_t answer) {
  if (ZSTD_isError(answer) == 0) return {};
  if (ZSTD_getErrorCode(answer) == ZSTD_error_memory_allocation) return out_of_memory("compress");
  if (ZSTD_getErrorCode(answer) == ZSTD_error_srcSize_wrong)
    return fail(EINVAL, "compress", {}, "more or fewer bytes came than were announced");
  return fail(EINVAL, "compress", {}, ZSTD_getErrorName(answer));
}

class ZstdEncoder final : public Transform {
 public:
  explicit ZstdEncoder(ZSTD_CCtx* context) : context_(context), output_(ZSTD_CStreamOutSize()) {}

  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    while (input.pos < input.size) FOX_TRY(step(input, ZSTD_e_continue, sink));
    return {};
  }
  Result<> finish(Sink& sink) override {
    ZSTD_inBuffer input{nullptr, 0, 0};
    while (FOX_TRY(step(input, ZSTD_e_end, sink)) != 0) {
    }
    return {};
  }

 private:
  Result<std::size_t> step(ZSTD_inBuffer& input, ZSTD_EndDirective directive, Sink& sink) {
    ZSTD_outBuffer output{output_.data(), output_.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
    FOX_TRY(compressed(left));
    FOX_TRY(output_.hand_over(output.pos, sink));
    return left;
  }

  std::unique_ptr<ZSTD_CCtx, FreeContext> context_;
  OutputBuffer output_;
};

class ZstdDecoder final : public Transform {
 public:
  explicit ZstdDecoder(ZSTD_DCtx* context) : context_(context), output_(ZSTD_DStreamOutSize()) {}

  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    // A full output buffer may mean that more is waiting inside.
    for (bool full = false; input.pos < input.size || full;) {
      ZSTD_outBuffer output{output_.data(), output_.size(), 0};
      const std::size_t wanted = ZSTD_decompressStream(context_.get(), &output, &input);
      if (ZSTD_isError(wanted) != 0) return refused(ZSTD_getErrorCode(wanted));
      wanted_ = wanted;
      whole_frames_ = whole_frames_ || wanted == 0;
      FOX_TRY(output_.hand_over(output.pos, sink));
      full = output.pos == output.size && wanted != 0;
    }
    return {};
  }
  Result<> finish(Sink&) override {
    if (wanted_ != 0 || !whole_frames_) return cut_short(Format::zstd);
    return {};
  }

 private:
  Result<> refused(ZSTD_ErrorCode code) const {
    switch (code) {
      case ZSTD_error_memory_allocation: return out_of_memory("decompress");
      case ZSTD_error_frameParameter_windowTooLarge: return needs_too_much(Format::zstd);
      case ZSTD_error_prefix_unknown:
        if (whole_frames_) return garbage_follows(Format::zstd);
        return damaged(Format::zstd, "this is not the beginning of a frame");
      default: return damaged(Format::zstd, ZSTD_getErrorString(code));
    }
  }

  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  OutputBuffer output_;
  std::size_t wanted_ = 0;     // 0: between frames
  bool whole_frames_ = false;  // at least one
};

}  // namespace

TransformResult zstd_encoder(int level, std::optional<Bytes> size) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  if (context == nullptr) return out_of_memory("compress");
  auto encoder = std::make_unique<ZstdEncoder>(context);
  FOX_TRY(compressed(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)));
  FOX_TRY(compressed(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
  if (size) FOX_TRY(compressed(ZSTD_CCtx_setPledgedSrcSize(context, size->value)));
  return encoder;
}

TransformResult zstd_decoder() {
  ZSTD_DCtx* const context = ZSTD_createDCtx();
  if (context == nullptr) return out_of_memory("decompress");
  auto decoder = std::make_unique<ZstdDecoder>(context);
  const std::size_t limited = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kLargestWindowLog);
  FOX_ASSERT(ZSTD_isError(limited) == 0);
  return decoder;
}

}  // namespace foxing::codec
