// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/strong.h"

#include <sys/sysmacros.h>

namespace foxing {

DeviceId DeviceId::from_numbers(unsigned major, unsigned minor) { return DeviceId{gnu_dev_makedev(major, minor)}; }
unsigned DeviceId::major_number() const { return gnu_dev_major(value); }
unsigned DeviceId::minor_number() const { return gnu_dev_minor(value); }

}  // namespace foxing
