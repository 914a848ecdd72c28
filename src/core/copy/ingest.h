// SPDX-License-Identifier: GPL-2.0-or-later
// Ingest: a stream becomes a file, or the content of a block device.
//   from  fxcp/stream.cc, any descriptor that can be read        to  a file under its name, whole; or a device
//
// Why.   What a pipe delivers comes once: so everything that can be refused is refused before the first byte is read, and a run that takes hours can
//        leave checkpoints.
// How.   Pieces of 1 MiB through memory (splice would hide the zeros), blocks of zeros become holes, and the file is staged as every other.
// Holds. Until it is complete a file has no name, and a name that was there keeps its content.  What is refused leaves nothing behind.
//        A device is written in place: it shows a mixture until the run has ended well.  Zeros are written there or punched, never skipped.
// Cost.  2 MiB, and what a codec takes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/result.h"
#include "base/strong.h"
#include "core/copy/checkpoints.h"
#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "core/copy/transform.h"
#include "sys/fd.h"

namespace foxing::copy {

struct IngestOptions {
  mode_t mode = 0644;  // of a file that was not there, the umask taken off; one that is replaced hands on its owner, mode and ACL
  Transformation transformation;
  bool holes = true;  // --sparse
  bool durable = false;  // --fsync
  /// What will come, as far as somebody knows: room is reserved for it, where it is not compressed on the way.  More or less may come.
  std::optional<Bytes> size;

  struct Checkpoint {
    std::chrono::duration<double> interval{};
    unsigned keep = 3;
  };
  std::optional<Checkpoint> checkpoint;
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

struct Ingested {
  Bytes read;
  Bytes size;  // of the file, or written to the device
  Bytes written;  // less than the size where there are holes
  std::uint64_t checkpoints = 0;
};

/// A file that a stream is going to.
class Ingest {
 public:
  /// Makes everything ready.  Errors are refusals, with a sentence in `detail` that goes on from the file's name: ENOSPC, EOPNOTSUPP (checkpoints).
  static Result<Ingest> prepare(TargetDirectory& directory, TempNames& names, const std::string& name, IngestOptions options);

  /// Reads the stream to its end and gives the file its name.  Once.  Errors: of read and write, ECANCELED; the name is as it was before.
  Result<Ingested> run(sys::FdView source, std::atomic<std::uint64_t>& so_far);

  /// The newest checkpoint, where one is there: after an error it is what is left.
  std::string newest_checkpoint() const { return checkpoints_ ? checkpoints_->newest() : std::string(); }
  /// The first error of making or removing a checkpoint: the stream went on.
  const std::optional<Error>& checkpoint_problem() const { return checkpoint_problem_; }

 private:
  struct Replaced {
    sys::UniqueFd file;  // as O_PATH
    sys::FileStatus status;
  };
  static Result<std::optional<Replaced>> replaced_by(const TargetDirectory& directory, const std::string& name);
  Ingest(TargetDirectory& directory, StagedFile staged, IngestOptions options, std::optional<Replaced> replaced)
      : directory_(&directory), staged_(std::move(staged)), options_(std::move(options)), replaced_(std::move(replaced)) {}
  Result<> take_over();
  Result<> reserve();
  Result<> make_checkpoint(Pump& pump, ContentWriter& writer);
  Result<> commit();

  TargetDirectory* directory_;
  StagedFile staged_;
  IngestOptions options_;
  std::optional<Replaced> replaced_;
  bool reserved_ = false;
  std::optional<Checkpoints> checkpoints_;
  std::optional<Error> checkpoint_problem_;
};

/// Writes a stream to a block device that is open for writing, and has it on the medium.
/// Errors: of read, write and fsync; ENOSPC where more comes than the device holds; ECANCELED.  After one the device holds a part.
Result<Ingested> write_device(sys::FdView source, sys::FdView device, Bytes device_size, Transformation transformation,
                              std::atomic<std::uint64_t>& so_far);

}  // namespace foxing::copy
