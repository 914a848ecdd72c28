// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/stream.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::sys {
namespace {

using std::chrono::milliseconds;

struct Pipe {
  UniqueFd out, in;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
};

TEST(WaitReadable, TellsDataAndTheEndFromNothing) {
  Pipe pipe;
  EXPECT_FALSE(*wait_readable(pipe.out, milliseconds(0)));
  ASSERT_EQ(::write(pipe.in.get(), "x", 1), 1);
  EXPECT_TRUE(*wait_readable(pipe.out, milliseconds(0)));
  char byte = 0;
  ASSERT_EQ(::read(pipe.out.get(), &byte, 1), 1);
  EXPECT_FALSE(*wait_readable(pipe.out, milliseconds(0)));
  pipe.in.reset();
  EXPECT_TRUE(*wait_readable(pipe.out, milliseconds(0)));
}

TEST(WaitReadable, ASignalIsNoError) {
  if (!kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  Pipe pipe;
  const FaultPlan plan("poll:1:EINTR,poll:2:ENOMEM");
  EXPECT_FALSE(*wait_readable(pipe.out, milliseconds(0)));
  EXPECT_EQ(wait_readable(pipe.out, milliseconds(0)).error().code, ENOMEM);
}

TEST(EnlargePipe, HoldsOneMebibyteOrWhatIsAllowed) {
  Pipe pipe;
  const int before = ::fcntl(pipe.out.get(), F_GETPIPE_SZ);
  enlarge_pipe(pipe.out);
  EXPECT_GE(::fcntl(pipe.out.get(), F_GETPIPE_SZ), before);
  const testing::TempTree world;
  world.file("file", "content");
  const auto file = open_at(working_directory(), world.at("file"));
  enlarge_pipe(*file);  // is no pipe: nothing happens
  EXPECT_EQ(world.read("file"), "content");
}

TEST(PunchHole, TheRangeReadsAsZerosAndTheSizeStays) {
  const testing::TempTree world;
  world.file("file", std::string(200'000, 'x'));
  const auto file = open_at(working_directory(), world.at("file"), {.access = Access::read_write});
  ASSERT_TRUE(file);
  const auto punched = punch_hole(*file, {FileOffset(4096), FileOffset(131072)});
  if (!punched && punched.error().code == EOPNOTSUPP) GTEST_SKIP() << "the filesystem of " << world.path() << " punches no holes";
  ASSERT_TRUE(punched);
  EXPECT_EQ(world.read("file"), std::string(4096, 'x') + std::string(131072 - 4096, '\0') + std::string(200'000 - 131072, 'x'));
}

TEST(Device, AFileIsNone) {
  const testing::TempTree world;
  world.file("file", "content");
  const auto file = open_at(working_directory(), world.at("file"));
  ASSERT_TRUE(file);
  EXPECT_FALSE(device_size(*file));
  EXPECT_EQ(open_device_alone(working_directory(), world.at("file"), Links::follow).error().code, ENOTBLK);
  EXPECT_EQ(open_device_alone(working_directory(), world.at("none"), Links::follow).error().code, ENOENT);
  EXPECT_FALSE(is_terminal(*file));
}

}  // namespace
}  // namespace foxing::sys
