// SPDX-License-Identifier: GPL-2.0-or-later
// Expected values: what rsync 3.5 prints.
#include "fxcp/rsync_forms.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <limits>

namespace foxing::fxcp {
namespace {

TEST(RsyncForms, Modes) {
  EXPECT_EQ(mode_letters(S_IFREG | 0644), "-rw-r--r--");
  EXPECT_EQ(mode_letters(S_IFDIR | 01777), "drwxrwxrwt");
  EXPECT_EQ(mode_letters(S_IFDIR | 01776), "drwxrwxrwT");
  EXPECT_EQ(mode_letters(S_IFREG | 06755), "-rwsr-sr-x");
  EXPECT_EQ(mode_letters(S_IFREG | 06644), "-rwSr-Sr--");
  EXPECT_EQ(mode_letters(S_IFLNK | 0777), "lrwxrwxrwx");
  EXPECT_EQ(mode_letters(S_IFIFO), "p---------");
  EXPECT_EQ(mode_letters(S_IFSOCK)[0], 's');
  EXPECT_EQ(mode_letters(S_IFBLK)[0], 'b');
  EXPECT_EQ(mode_letters(S_IFCHR)[0], 'c');
}

TEST(RsyncForms, Numbers) {
  EXPECT_EQ(rsync_number(1234567, 0), "1234567");
  EXPECT_EQ(rsync_number(1234567, 1), "1,234,567");
  EXPECT_EQ(rsync_number(1234567, 2), "1.23M");
  EXPECT_EQ(rsync_number(1234567, 3), "1.18M");
  EXPECT_EQ(rsync_number(4096, 2), "4.10K");
  EXPECT_EQ(rsync_number(4096, 3), "4.00K");
  EXPECT_EQ(rsync_number(999, 2), "999");
  EXPECT_EQ(rsync_number(1000, 2), "1.00K");
  EXPECT_EQ(rsync_number(1000, 3), "1000");
  EXPECT_EQ(rsync_number(0, 3), "0");
  EXPECT_EQ(rsync_number(std::numeric_limits<std::uint64_t>::max(), 2), "18446.74P") << "there is no larger unit";
}

TEST(RsyncForms, Times) {
  ::setenv("TZ", "UTC", 1);
  EXPECT_EQ(local_time(1577934245, kDateTime), "2020/01/02 03:04:05");
  EXPECT_EQ(local_time(-1, kDateTime), "1969/12/31 23:59:59");
  EXPECT_EQ(local_time(std::numeric_limits<std::time_t>::max(), kDateTime),
            std::to_string(std::numeric_limits<std::time_t>::max()));
  ::unsetenv("TZ");
}

}  // namespace
}  // namespace foxing::fxcp
