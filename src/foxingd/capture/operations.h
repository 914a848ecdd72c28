// SPDX-License-Identifier: GPL-2.0-or-later
// Operations: does every operation of coverage.h, and looks whether a source of events tells of it.
//
//   from  foxingd check --self-test (src/foxingd/self_test.h), fanotify_test.cc        to  what is heard
//
// How.   Another process does it, because what this one does is left out.  It keeps open what it has open until the source has been asked: what is heard when
//        a file is closed says nothing of what happened before.
// Holds. All happens below one directory, each operation in a directory of its own.
#pragma once

#include "base/result.h"
#include "foxingd/capture/event_source.h"
#include "sys/fd.h"

namespace foxing::capture {

/// Makes what the operations need, in a directory that has nothing in it.
Result<> prepare_operations(sys::FdView directory);

/// Whether `source` tells of the operation, done now.  Errors: this kernel, this filesystem or this user has no such operation, or the source fails.
Result<bool> is_heard(EventSource& source, sys::FdView directory, Operation operation);

/// What prepare_operations() and is_heard() have made goes again.
Result<> remove_operations(sys::FdView directory);

}  // namespace foxing::capture
