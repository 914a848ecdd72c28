// SPDX-License-Identifier: GPL-2.0-or-later
// What a replica says of itself, for programs (JSON, schema foxingd/1), for people and for Prometheus.
#pragma once

#include <string>
#include <vector>

#include "foxingd/capture/coverage.h"
#include "foxingd/mirror/replica.h"

namespace foxing::foxingd {

struct Reported {
  mirror::ReplicaStatus status;
  capture::Coverage coverage;
};

/// One line.
std::string status_json(const std::vector<Reported>& replicas);
/// Of what status_json made.
std::string status_text(const std::string& json);
std::string metrics_text(const std::vector<Reported>& replicas);

}  // namespace foxing::foxingd
