// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes on their way into a file, and what is made of them: compressed, decompressed, with holes where there were zeros.
//   from  a stream (Pump), a regular file (compress_file, decompress_file)        to  a file or device that is written (ContentWriter)
//
// Why.   --compress and --decompress do the same to a stream and to the files of a tree; zeros become holes in all of them.
// Holds. What a ContentWriter has been given is in the file after flush(), whatever was there before.  Of a stream that is not what it should be
//        (not compressed, damaged, cut short) nothing is said to be whole.
// Names. Every regular file gets the format's suffix, also one that is compressed already: only so does --decompress make the same tree again.
// Cost.  Two buffers of 1 MiB, and what the codec takes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"
#include "core/codec/codec.h"
#include "core/copy/stream.h"
#include "sys/fd.h"

namespace foxing::copy {

struct Transformation {
  enum class Way : std::uint8_t { none, compress, decompress } way = Way::none;
  codec::Codec codec{};  // for `compress`; a stream to decompress says itself what it is
};

/// "a.tar" -> "a.tar.zst".
std::string compressed_name(std::string_view name, codec::Format format);
/// "a.tar.zst" -> "a.tar"; nothing where there is no known suffix: such a file was not made by --compress, and is copied as it is.
std::optional<std::string> decompressed_name(std::string_view name);

/// What is to become of blocks of zeros.
enum class Zeros : std::uint8_t {
  written,
  left_out,  // the file is new, and what is not written is a hole
  punched,  // something may be there: they become holes where that works, and are written elsewhere
};

/// Writes a file from its beginning to its end.
class ContentWriter final : public codec::Sink {
 public:
  struct Options {
    Zeros zeros = Zeros::left_out;
    std::size_t block = 4096;  // zeros are looked for in blocks of this size
    std::optional<Bytes> device_size{};  // the file is a device: its size stays, and no byte goes further (ENOSPC)
  };
  ContentWriter(sys::FdView file, Options options);

  Result<> write(std::span<const std::byte> bytes) override;
  /// What came so far is in the file, which is as long as it.
  Result<> flush();

  /// What came so far.
  Bytes size() const { return size_; }
  /// What of it was written.
  Bytes written() const { return written_; }

 private:
  Result<> put(std::span<const std::byte> bytes);
  Result<> put_zeros(std::span<const std::byte> bytes, FileOffset at);
  Result<> put_data(std::span<const std::byte> bytes, FileOffset at);

  sys::FdView file_;
  Options options_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t waiting_ = 0;  // in the buffer
  Bytes size_;
  Bytes in_file_;  // what was put; a hole at its end may be missing in the file's size
  Bytes written_;
  bool ends_in_hole_ = false;  // at the end there is something that the file's size does not say
  bool punching_declines_ = false;
};

/// Reads a descriptor of any kind to its end and hands everything, transformed, to a sink.
class Pump {
 public:
  static Result<Pump> create(Transformation transformation, codec::Sink& sink);

  /// Called between two reads, at least five times a second.  Its error ends the run.
  using Between = std::function<Result<>()>;
  /// `so_far` counts the bytes that were read.  Errors: of read and of the sink; EBADMSG for bytes that cannot be decompressed; ECANCELED.
  Result<> run(sys::FdView source, std::atomic<std::uint64_t>& so_far, const Between& between);

  /// Hands over what was read so far, as something that can be read alone: a compressed frame ends here, and another begins.
  Result<> end_part();
  Bytes bytes_read() const { return read_; }

 private:
  Pump(Transformation transformation, codec::Sink& sink);
  Result<> push(bool at_end);
  Result<> end_frame();

  Transformation transformation_;
  codec::Sink* sink_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t waiting_ = 0;  // in the buffer
  Bytes read_;
  std::optional<codec::Encoder> encoder_;
  std::optional<codec::Decoder> decoder_;
  bool in_frame_ = false;  // the encoder has got something
  bool has_frames_ = false;
};

/// What became of a regular file.
struct Transformed {
  Bytes read;
  Bytes size;  // of the new file
  Bytes written;  // less than the size where there are holes
};

/// Compresses the first `size` bytes of `source`, which is read from its position, into the empty file `target`.  Nothing where the source ended before: it
/// has changed, and what is in the target is of no use.  Errors: of read and write; ECANCELED.
Result<std::optional<Transformed>> compress_file(sys::FdView source, Bytes size, sys::FdView target, codec::Codec codec,
                                                 std::atomic<std::uint64_t>* so_far = nullptr, Pacer pacer = {});

/// The same for files whose size says nothing (procfs): reads to the end, but not further than `limit` (EFBIG).
Result<Transformed> compress_until_end(sys::FdView source, Bytes limit, sys::FdView target, codec::Codec codec,
                                       std::atomic<std::uint64_t>* so_far = nullptr, Pacer pacer = {});

/// Decompresses all of `source` into the empty file `target`.  Errors: as above; EBADMSG where it is not compressed, is damaged or cut short.
Result<Transformed> decompress_file(sys::FdView source, sys::FdView target, Zeros zeros,
                                    std::atomic<std::uint64_t>* so_far = nullptr, Pacer pacer = {});

/// True where `packed` is compressed, in `format` if one is given, and holds exactly the first `size` bytes of `plain`.  False also where it is damaged.
/// Reads both, up to the first difference; the position of `packed` is moved.  Errors: of read; ECANCELED.
Result<bool> unpacks_to(sys::FdView packed, sys::FdView plain, Bytes size, std::optional<codec::Format> format, Pacer pacer = {});

}  // namespace foxing::copy
