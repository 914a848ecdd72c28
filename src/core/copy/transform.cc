// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/transform.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/copy/holes.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/stream.h"

namespace foxing::copy {
namespace {

constexpr std::size_t kPiece = 1 << 20;
constexpr std::chrono::milliseconds kPatience{200};

tl::unexpected<Error> stopped() { return fail(ECANCELED, "copy"); }

}  // namespace

std::string compressed_name(std::string_view name, codec::Format format) {
  return std::string(name) + std::string(codec::suffix_of(format));
}

std::optional<std::string> decompressed_name(std::string_view name) {
  const auto format = codec::format_by_suffix(name);
  if (!format) return std::nullopt;
  return std::string(name.substr(0, name.size() - codec::suffix_of(*format).size()));
}

// ---- ContentWriter

ContentWriter::ContentWriter(sys::FdView file, Options options)
    : file_(file), options_(options), buffer_(new std::byte[kPiece]) {}

Result<> ContentWriter::write(std::span<const std::byte> bytes) {
  size_ += Bytes(bytes.size());
  while (!bytes.empty()) {
    // Pieces end at multiples of their size, and so do the blocks in them.
    const std::size_t room = kPiece - static_cast<std::size_t>((in_file_.value + waiting_) % kPiece);
    const std::span<const std::byte> piece = bytes.first(std::min(room, bytes.size()));
    if (waiting_ == 0 && piece.size() == room) {
      FOX_TRY(put(piece));
    } else {
      std::memcpy(buffer_.get() + waiting_, piece.data(), piece.size());
      waiting_ += piece.size();
      if (piece.size() == room) FOX_TRY(put({buffer_.get(), std::exchange(waiting_, 0)}));
    }
    bytes = bytes.subspan(piece.size());
  }
  return {};
}

Result<> ContentWriter::flush() {
  if (waiting_ > 0) FOX_TRY(put({buffer_.get(), std::exchange(waiting_, 0)}));
  if (ends_in_hole_) {
    FOX_TRY(sys::truncate(file_, size_));
    ends_in_hole_ = false;
  }
  return {};
}

Result<> ContentWriter::put(std::span<const std::byte> bytes) {
  if (sys::stop_requested()) return stopped();  // a few compressed bytes may become very many
  const FileOffset at(in_file_.value);
  if (options_.device_size && in_file_ + Bytes(bytes.size()) > *options_.device_size)
    return fail(ENOSPC, "write", {}, "there is more than the device holds");
  in_file_ += Bytes(bytes.size());
  if (options_.zeros == Zeros::written) return put_data(bytes, at);
  FileOffset zeros_from = at;
  FOX_TRY(for_each_nonzero_run(bytes, at, options_.block, [&](FileOffset begin, std::span<const std::byte> run) -> Result<> {
    FOX_TRY(put_zeros(bytes.subspan((zeros_from - at).value, (begin - zeros_from).value), zeros_from));
    zeros_from = begin + Bytes(run.size());
    return put_data(run, begin);
  }));
  return put_zeros(bytes.subspan((zeros_from - at).value), zeros_from);
}

Result<> ContentWriter::put_data(std::span<const std::byte> bytes, FileOffset at) {
  FOX_TRY(sys::write_all_at(file_, bytes, at));
  written_ += Bytes(bytes.size());
  ends_in_hole_ = false;
  return {};
}

Result<> ContentWriter::put_zeros(std::span<const std::byte> bytes, FileOffset at) {
  if (bytes.empty()) return {};
  if (options_.zeros == Zeros::left_out) {
    ends_in_hole_ = true;
    return {};
  }
  const FileOffset end = at + Bytes(bytes.size());
  const bool whole_blocks = at.value % options_.block == 0 && end.value % options_.block == 0;
  if (punching_declines_ || !whole_blocks) return put_data(bytes, at);
  // ext4 leaves alone what lies behind the end of the file.
  if (!options_.device_size) FOX_TRY(sys::truncate(file_, Bytes(end.value)));
  auto punched = sys::punch_hole(file_, {at, end});
  if (punched) return {};
  const int code = punched.error().code;
  if (code != EOPNOTSUPP && code != EINVAL && code != ENOSYS) return punched;
  punching_declines_ = true;
  return put_data(bytes, at);
}

// ---- Pump

Pump::Pump(Transformation transformation, codec::Sink& sink)
    : transformation_(transformation), sink_(&sink), buffer_(new std::byte[kPiece]) {}

Result<Pump> Pump::create(Transformation transformation, codec::Sink& sink) {
  Pump pump(transformation, sink);
  if (transformation.way == Transformation::Way::none) pump.decoder_ = FOX_TRY(codec::Decoder::create(codec::Format::none));
  if (transformation.way == Transformation::Way::compress) pump.encoder_ = FOX_TRY(codec::Encoder::create(transformation.codec));
  return pump;
}

Result<> Pump::run(sys::FdView source, std::atomic<std::uint64_t>& so_far, const Between& between) {
  while (true) {
    if (sys::stop_requested()) return stopped();
    FOX_TRY(between());
    if (!FOX_TRY(sys::wait_readable(source, kPatience))) continue;
    const auto got = sys::read_some(source, {buffer_.get() + waiting_, kPiece - waiting_});
    if (!got) {
      if (got.error().code == EAGAIN) continue;  // another reader was faster
      return tl::make_unexpected(got.error());
    }
    if (*got == 0) break;
    waiting_ += *got;
    read_ += Bytes(*got);
    so_far.fetch_add(*got, std::memory_order_relaxed);
    if (waiting_ == kPiece) FOX_TRY(push(false));
  }
  FOX_TRY(push(true));
  if (decoder_) return decoder_->finish(*sink_);
  if (in_frame_ || !has_frames_) return encoder_->finish(*sink_);
  return {};
}

Result<> Pump::push(bool at_end) {
  const std::span<const std::byte> bytes(buffer_.get(), waiting_);
  if (encoder_) {
    if (bytes.empty()) return {};
    in_frame_ = true;
    FOX_TRY(encoder_->write(bytes, *sink_));
  } else {
    if (!decoder_) {  // its beginning says what it is
      if (waiting_ < codec::kMagicBytes && !at_end) return {};
      const auto format = codec::detect(bytes);
      if (!format) {
        return fail(EBADMSG, "decompress", {},
                    waiting_ == 0 ? "there is nothing to decompress" : "this is not compressed by zstd, lz4, gzip or xz");
      }
      decoder_ = FOX_TRY(codec::Decoder::create(*format));
    }
    FOX_TRY(decoder_->write(bytes, *sink_));
  }
  waiting_ = 0;
  return {};
}

Result<> Pump::end_part() {
  FOX_TRY(push(false));
  return end_frame();
}

Result<> Pump::end_frame() {
  if (!encoder_ || !in_frame_) return {};
  FOX_TRY(encoder_->finish(*sink_));
  in_frame_ = false;
  has_frames_ = true;
  encoder_ = FOX_TRY(codec::Encoder::create(transformation_.codec));
  return {};
}

// ---- Regular files

namespace {

/// What a Pump reads is paid for before it reads on.
Pump::Between paying(Pacer pacer, const std::atomic<std::uint64_t>& so_far) {
  return [pacer, &so_far, paid = so_far.load(std::memory_order_relaxed)]() mutable -> Result<> {
    const std::uint64_t now = so_far.load(std::memory_order_relaxed);
    if (now != paid) pacer.before(Bytes(now - std::exchange(paid, now)));
    return {};
  };
}

/// Takes what comes out of a decoder and compares it with a file.
class Comparer final : public codec::Sink {
 public:
  Comparer(sys::FdView plain, Bytes size) : plain_(plain), size_(size), buffer_(new std::byte[kBuffer]) {}

  Result<> write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      if (sys::stop_requested()) return stopped();
      const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), kBuffer));
      if (at_ + Bytes(piece.size()) > size_) return apart();
      const std::size_t got = FOX_TRY(sys::read_all_at(plain_, {buffer_.get(), piece.size()}, FileOffset(at_.value)));
      if (got != piece.size() || std::memcmp(buffer_.get(), piece.data(), got) != 0) return apart();
      at_ += Bytes(got);
      bytes = bytes.subspan(got);
    }
    return {};
  }
  bool differs() const { return differs_; }
  bool is_whole() const { return !differs_ && at_ == size_; }

 private:
  static constexpr std::size_t kBuffer = 64 * 1024;
  /// Nothing that comes now matters.
  tl::unexpected<Error> apart() {
    differs_ = true;
    return fail(EBADMSG, "decompress");
  }

  sys::FdView plain_;
  Bytes size_;
  std::unique_ptr<std::byte[]> buffer_;
  Bytes at_;
  bool differs_ = false;
};

}  // namespace

Result<std::optional<Transformed>> compress_file(sys::FdView source, Bytes size, sys::FdView target, codec::Codec codec,
                                                 std::atomic<std::uint64_t>* so_far, Pacer pacer) {
  ContentWriter writer(target, {.zeros = Zeros::written});
  codec::Encoder encoder = FOX_TRY(codec::Encoder::create(codec, size));
  const Bytes step = pacer.governor == nullptr ? Bytes(kPiece) : pacer.governor->piece(Bytes(kPiece));
  const auto length = static_cast<std::size_t>(std::min(step.value, std::max<std::uint64_t>(size.value, 1)));
  const std::unique_ptr<std::byte[]> buffer(new std::byte[length]);
  for (Bytes left = size; left > Bytes(0);) {
    if (sys::stop_requested()) return stopped();
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, left.value));
    pacer.before(Bytes(wanted));
    const std::size_t got = FOX_TRY(sys::read_some(source, {buffer.get(), wanted}));
    if (got == 0) return std::nullopt;
    FOX_TRY(encoder.write({buffer.get(), got}, writer));
    left = left - Bytes(got);
    if (so_far != nullptr) so_far->fetch_add(got, std::memory_order_relaxed);
  }
  FOX_TRY(encoder.finish(writer));
  FOX_TRY(writer.flush());
  return Transformed{.read = size, .size = writer.size(), .written = writer.written()};
}

Result<Transformed> compress_until_end(sys::FdView source, Bytes limit, sys::FdView target, codec::Codec codec,
                                       std::atomic<std::uint64_t>* so_far, Pacer pacer) {
  ContentWriter writer(target, {.zeros = Zeros::written});
  codec::Encoder encoder = FOX_TRY(codec::Encoder::create(codec));
  const std::unique_ptr<std::byte[]> buffer(new std::byte[kPiece]);
  Bytes read;
  while (true) {
    if (sys::stop_requested()) return stopped();
    const std::size_t got = FOX_TRY(sys::read_some(source, {buffer.get(), kPiece}));
    if (got == 0) break;
    pacer.before(Bytes(got));
    read += Bytes(got);
    if (read > limit) return fail(EFBIG, "read", {}, "it grows as fast as it is read");
    FOX_TRY(encoder.write({buffer.get(), got}, writer));
    if (so_far != nullptr) so_far->fetch_add(got, std::memory_order_relaxed);
  }
  FOX_TRY(encoder.finish(writer));
  FOX_TRY(writer.flush());
  return Transformed{.read = read, .size = writer.size(), .written = writer.written()};
}

Result<Transformed> decompress_file(sys::FdView source, sys::FdView target, Zeros zeros, std::atomic<std::uint64_t>* so_far,
                                    Pacer pacer) {
  ContentWriter writer(target, {.zeros = zeros});
  Pump pump = FOX_TRY(Pump::create({.way = Transformation::Way::decompress}, writer));
  std::atomic<std::uint64_t> nobody{0};
  std::atomic<std::uint64_t>& read = so_far != nullptr ? *so_far : nobody;
  FOX_TRY(pump.run(source, read, paying(pacer, read)));
  FOX_TRY(writer.flush());
  return Transformed{.read = pump.bytes_read(), .size = writer.size(), .written = writer.written()};
}

Result<bool> unpacks_to(sys::FdView packed, sys::FdView plain, Bytes size, std::optional<codec::Format> format, Pacer pacer) {
  std::byte first[codec::kMagicBytes];
  const std::size_t got = FOX_TRY(sys::read_all_at(packed, first, FileOffset(0)));
  const auto found = codec::detect({first, got});
  if (!found || (format && *found != *format)) return false;
  FOX_TRY(sys::set_position(packed, FileOffset(0)));
  Comparer comparer(plain, size);
  Pump pump = FOX_TRY(Pump::create({.way = Transformation::Way::decompress}, comparer));
  std::atomic<std::uint64_t> read{0};
  auto pumped = pump.run(packed, read, paying(pacer, read));
  if (comparer.differs()) return false;
  if (pumped) return comparer.is_whole();
  const bool damaged = std::strcmp(pumped.error().operation, "decompress") == 0 && pumped.error().code != ENOMEM;
  if (damaged) return false;
  return tl::make_unexpected(std::move(pumped).error());
}

}  // namespace foxing::copy
